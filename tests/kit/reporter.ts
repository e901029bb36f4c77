/**
 * The closing summary of a run: what tests noted (`annotate(…)`: corpora read, engines exercised), what was skipped and why, and as the very
 * last line `N passed, M failed`.
 */
import { writeSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const closingLines = (modules: readonly TestModule[], unhandled: number): readonly string[] => {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const inState = (state: 'passed' | 'failed' | 'skipped'): readonly TestCase[] => tests.filter((test) => test.result().state === state);
  const skipped = inState('skipped');
  // A file that does not load has no tests to fail, and a stray rejection belongs to none: both count.
  const broken = modules.filter((module) => module.errors().length > 0).length + unhandled;
  const notes = [...new Set(tests.flatMap((test) => test.annotations().map(({ message }) => message)))];
  const closing = `${inState('passed').length} passed, ${inState('failed').length + broken} failed`;
  return [
    ...section('Notes:', notes),
    ...section(
      'Skipped:',
      skipped.map((test) => `${test.module.relativeModuleId} > ${withReason(test)}`),
    ),
    '',
    skipped.length > 0 ? `${closing}, ${skipped.length} skipped` : closing,
  ];
};

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length > 0 ? ['', title, ...lines.map((line) => `  ${line}`)] : [];

/** Suites that lack an engine say so in brackets behind their name; of others it is what the test noted. */
const withReason = (test: TestCase): string => {
  const result = test.result();
  const noted = result.state === 'skipped' ? result.note : undefined;
  if (noted === undefined && namesAround(test).some((name) => name.endsWith(')'))) return test.fullName;
  return `${test.fullName}: ${noted ?? 'no reason given'}`;
};

const namesAround = ({ name, parent }: TestCase | TestSuite): readonly string[] =>
  parent.type === 'module' ? [name] : [name, ...namesAround(parent)];

export default class ClosingSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const text = `${closingLines(modules, unhandled.length).join('\n')}\n`;
    // At exit, so that nothing another reporter or a teardown says comes after it.
    process.once('exit', () => {
      writeSync(1, text);
      if (modules.length === 0) process.exitCode = 1;
    });
  }
}
