/**
 * The longest suites first, so that at the end none runs on while a processor has nothing to do. Where nothing is known of earlier runs, as after
 * `npm ci`, vitest takes the largest files for the longest; these are long for what they do.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONG = ['replay-equality', 'mail-in-program', 'client', 'log-move', 'gateway-out', 'docs', 'notify', 'kafka'].map(
  (name) => `/${name}.test.ts`,
);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ project, moduleId }: TestSpecification): number =>
      2 * project.config.sequence.groupOrder + (LONG.some((name) => moduleId.endsWith(name)) ? 0 : 1);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
