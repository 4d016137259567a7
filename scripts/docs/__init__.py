"""Write the parts of docs/ that are generated from the code: `npm run docs`."""
