"""Small inputs that came out wrong once; `data/README.md` says for each folder what is right."""
