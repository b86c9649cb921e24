// Print what Podcast Index's own parser reads in a feed, as JSON. Run it by check_partytime.sh.
const { readFileSync } = require("node:fs");
const { parseFeed } = require("podcast-partytime");

const feed = parseFeed(readFileSync(process.argv[2], "utf8"));
if (!feed) process.exit(1);
process.stdout.write(JSON.stringify(feed));
