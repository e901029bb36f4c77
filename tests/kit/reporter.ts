/**
 * The closing summary of a run: what tests noted (`annotate(…)`: corpora read, engines exercised), what was skipped and why, what failed and by
 * which error, and as the very last line `N passed, M failed`. What matters most stands last, where a log that is cut off still shows it.
 */
import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';

const closingLines = (modules: readonly TestModule[], unhandled: readonly SerializedError[]): readonly string[] => {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const inState = (state: 'passed' | 'failed' | 'skipped'): readonly TestCase[] => tests.filter((test) => test.result().state === state);
  const skipped = inState('skipped');
  const failures = [
    ...inState('failed').map((test) => `${test.module.relativeModuleId} > ${test.fullName}: ${firstLine(test.result().errors)}`),
    // A file that does not load has no tests to fail, and a stray rejection belongs to none: both count.
    ...modules.filter((module) => module.errors().length > 0).map((module) => `${module.relativeModuleId}: ${firstLine(module.errors())}`),
    ...unhandled.map((error) => `outside any test: ${firstLine([error])}`),
  ];
  const notes = [...new Set(tests.flatMap((test) => test.annotations().map(({ message }) => message)))];
  const closing = `${inState('passed').length} passed, ${failures.length} failed`;
  return [
    ...section('Notes:', notes),
    ...section('Skipped:', counted(skipped.map((test) => `${test.module.relativeModuleId} > ${withReason(test)}`))),
    ...section('Failed:', failures),
    '',
    skipped.length > 0 ? `${closing}, ${skipped.length} skipped` : closing,
  ];
};

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length > 0 ? ['', title, ...lines.map((line) => `  ${line}`)] : [];

const firstLine = (errors: readonly { readonly message: string }[] | undefined): string =>
  errors?.[0]?.message.split('\n', 1)[0] ?? 'no error given';

/** Lines that come again, said once with how often. */
const counted = (lines: readonly string[]): readonly string[] =>
  [...new Set(lines)].map((line) => {
    const times = lines.filter((other) => other === line).length;
    return times > 1 ? `${line}: ${times} tests` : line;
  });

/** Suites that lack an engine say so in brackets behind their name, which stands for all their tests; of others it is what the test noted. */
const withReason = (test: TestCase): string => {
  const result = test.result();
  const noted = result.state === 'skipped' ? result.note : undefined;
  const names = namesAround(test);
  const lacking = names.findIndex((name) => name.endsWith(')'));
  if (noted === undefined && lacking !== -1) return names.slice(0, lacking + 1).join(' > ');
  return `${test.fullName}: ${noted ?? 'no reason given'}`;
};

/** From the outermost suite to the test itself. */
const namesAround = ({ name, parent }: TestCase | TestSuite): readonly string[] =>
  parent.type === 'module' ? [name] : [...namesAround(parent), name];

export default class ClosingSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const text = `${closingLines(modules, unhandled).join('\n')}\n`;
    // At exit, so that nothing another reporter or a teardown says comes after it.
    process.once('exit', () => {
      writeSync(1, text);
      if (modules.length === 0) process.exitCode = 1;
    });
  }
}
