// Runs the chosen test files of the Node SDK and prints one line for each test: passed, FAILED, or skipped with the
// reason that suite.json gives. Fails when a test fails, when a test was left out that suite.json does not name, and
// when suite.json names a test that the package no longer has.
//
//   run.cjs            all files but those that ask the model
//   run.cjs --model    the files that ask the model
//   run.cjs FILE…      these files
//
// Called by tests/sdk/run.sh, which installs the package and sets the environment.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const work = process.env.BOXWOOD_SDK_WORK;
// A run has its own folder, so that two may go on at once.
const run = path.join(work, `run-${process.pid}`);
process.env.BOXWOOD_SDK_RUN = run;
const suite = JSON.parse(fs.readFileSync(path.join(__dirname, 'suite.json'), 'utf8'));

function copyTests(files) {
  const source = path.join(work, 'node_modules', 'box-node-sdk', 'src', 'test');
  const target = path.join(run, 'suite');
  fs.mkdirSync(target, { recursive: true });
  for (const name of ['commons.ts', ...files.map((file) => `${file}.test.ts`)]) {
    fs.copyFileSync(path.join(source, name), path.join(target, name));
  }
}

function runJest(files, report) {
  const names = Object.keys(suite.skipped);
  const chosen = names.length ? ['--testNamePattern', `^(?!(?:${names.join('|')})$)`] : [];
  spawnSync(
    process.execPath,
    [
      path.join(work, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--config', path.join(__dirname, 'jest.config.cjs'),
      '--runInBand', '--silent', '--json', `--outputFile=${report}`,
      ...chosen,
      '--runTestsByPath', ...files.map((file) => path.join(run, 'suite', `${file}.test.ts`)),
    ],
    { stdio: ['ignore', 'ignore', process.env.BOXWOOD_SDK_VERBOSE ? 'inherit' : 'ignore'] },
  );
}

function describe(test) {
  const reason = suite.skipped[test.title]?.reason;
  if (test.status === 'passed') return { state: 'passed' };
  if (test.status === 'pending' && reason) return { state: 'skipped', note: reason };
  if (test.status === 'pending') return { state: 'FAILED', note: 'left out without a reason in suite.json' };
  return { state: 'FAILED', note: (test.failureMessages || []).join('\n') };
}

// The results of the files; `null` when jest wrote none. Files that look at what others did run after them.
function results(files) {
  const early = files.filter((file) => !suite.after_the_others.includes(file));
  const found = [];
  for (const part of [early, files.filter((file) => !early.includes(file))].filter((part) => part.length)) {
    const report = path.join(run, `report-${found.length}.json`);
    runJest(part, report);
    if (!fs.existsSync(report)) return null;
    found.push(...JSON.parse(fs.readFileSync(report, 'utf8')).testResults);
  }
  return found;
}

// Prints each test and counts the states.
function tell(files) {
  const counts = { passed: 0, skipped: 0, FAILED: 0 };
  const seen = new Set();
  for (const file of files) {
    const name = path.basename(file.name);
    if (file.assertionResults.length === 0) {
      counts.FAILED += 1;
      console.log(`FAILED  ${name}: ${file.message}`);
    }
    for (const test of file.assertionResults) {
      const { state, note } = describe(test);
      seen.add(test.title);
      counts[state] += 1;
      console.log(`${state.padEnd(7)} ${name} ${test.title} (${test.duration ?? 0} ms)${note ? `: ${note}` : ''}`);
    }
  }
  return { counts, seen };
}

function main() {
  const given = process.argv.slice(2);
  const known = given[0] === '--model' ? suite.model_files : suite.files;
  const whole = given.length === 0 || given[0] === '--model';
  const files = whole ? known : given;
  copyTests(files);
  const found = results(files);
  if (!found) {
    console.log('FAILED: jest wrote no report; run again with BOXWOOD_SDK_VERBOSE=1');
    process.exitCode = 1;
    return;
  }
  const { counts, seen } = tell(found);
  const missing = Object.keys(suite.skipped).filter((name) => files.includes(suite.skipped[name].file) && !seen.has(name));
  for (const title of whole ? missing : []) {
    counts.FAILED += 1;
    console.log(`FAILED  suite.json skips ${title}, which the package does not have`);
  }
  console.log(`Node SDK suite: ${counts.passed} passed, ${counts.skipped} skipped with a reason, ${counts.FAILED} failed`);
  process.exitCode = counts.FAILED === 0 && counts.passed > 0 ? 0 : 1;
}

try {
  main();
} finally {
  fs.rmSync(run, { recursive: true, force: true });
}
