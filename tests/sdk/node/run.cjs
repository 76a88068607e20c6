// Runs the chosen test files of the Node SDK and prints one line for each test: passed, FAILED, or skipped with the
// reason that suite.json gives. Fails when a test fails, when a test was left out that suite.json does not name, and
// when suite.json names a test that the package no longer has.
//
// Called by tests/sdk/run.sh, which installs the package and sets the environment.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const work = process.env.BOXWOOD_SDK_WORK;
const suite = JSON.parse(fs.readFileSync(path.join(__dirname, 'suite.json'), 'utf8'));

function copyTests() {
  const source = path.join(work, 'node_modules', 'box-node-sdk', 'src', 'test');
  const target = path.join(work, 'suite');
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  for (const name of ['commons.ts', ...suite.files.map((file) => `${file}.test.ts`)]) {
    fs.copyFileSync(path.join(source, name), path.join(target, name));
  }
}

function runJest(files, report) {
  const names = Object.keys(suite.skipped);
  const chosen = names.length ? ['--testNamePattern', `^(?!(?:${names.join('|')})$)`] : [];
  fs.rmSync(report, { force: true });
  return spawnSync(
    process.execPath,
    [
      path.join(work, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--config', path.join(__dirname, 'jest.config.cjs'),
      '--runInBand', '--silent', '--json', `--outputFile=${report}`,
      ...chosen,
      '--runTestsByPath', ...files.map((file) => path.join(work, 'suite', `${file}.test.ts`)),
    ],
    { stdio: ['ignore', 'ignore', process.env.BOXWOOD_SDK_VERBOSE ? 'inherit' : 'ignore'] },
  );
}

function describe(test) {
  const reason = suite.skipped[test.title];
  if (test.status === 'passed') return { state: 'passed' };
  if (test.status === 'pending' && reason) return { state: 'skipped', note: reason };
  if (test.status === 'pending') return { state: 'FAILED', note: 'left out without a reason in suite.json' };
  return { state: 'FAILED', note: (test.failureMessages || []).join('\n') };
}

function main() {
  const chosen = process.argv.slice(2);
  const files = chosen.length ? chosen : suite.files;
  const report = path.join(work, 'report.json');
  copyTests();
  runJest(files, report);
  if (!fs.existsSync(report)) {
    console.log('FAILED: jest wrote no report; run again with BOXWOOD_SDK_VERBOSE=1');
    process.exit(1);
  }
  const results = JSON.parse(fs.readFileSync(report, 'utf8')).testResults;
  const counts = { passed: 0, skipped: 0, FAILED: 0 };
  const seen = new Set();
  for (const file of results) {
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
  for (const title of chosen.length ? [] : Object.keys(suite.skipped).filter((name) => !seen.has(name))) {
    counts.FAILED += 1;
    console.log(`FAILED  suite.json skips ${title}, which the package does not have`);
  }
  console.log(`Node SDK suite: ${counts.passed} passed, ${counts.skipped} skipped with a reason, ${counts.FAILED} failed`);
  process.exit(counts.FAILED === 0 && counts.passed > 0 ? 0 : 1);
}

main();
