"""Names and unusual words: the glossary, prompting, matching, spelling."""
