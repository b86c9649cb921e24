// A link to sign-in takes the place in the episode along, which browsers send to no server.
for (const link of document.querySelectorAll('a[href^="/signin?"]')) {
  link.addEventListener('click', () => {
    const address = new URL(link.href);
    if (location.hash.startsWith('#t=')) address.searchParams.set('at', location.hash.slice(1));
    link.href = address;
  });
}
