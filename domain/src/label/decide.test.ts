import { SHREDDED } from '@tidings/contracts/sealed';
import { describe, expect, it } from 'vitest';
import * as E from 'fp-ts/lib/Either.js';
import { specify } from '../testing/given.ts';
import { alice, labelNo, mailboxNo } from '../testing/people.ts';
import type { Command, LabelChanges } from './decide.ts';
import { labelChanged, labelCreated, labelDeleted, type LabelEvent } from './events.ts';
import { label } from './index.ts';
import { normaliseLabelName } from './name.ts';

const given = specify(label);
const here = { mailboxId: mailboxNo(1), by: alice };
const looks = { color: '#E3E3FD', description: null, auto: false };
const create = (n: number, name: string): Command => ({ type: 'CreateLabel', ...here, labelId: labelNo(n), name, ...looks });
const change = (n: number, changes: LabelChanges): Command => ({
  type: 'ChangeLabel',
  ...here,
  labelId: labelNo(n),
  changes,
  operation: 'op',
});
const remove = (n: number): Command => ({ type: 'DeleteLabel', ...here, labelId: labelNo(n) });
const created = (n: number, name: string) => labelCreated({ ...here, labelId: labelNo(n), name, ...looks });
const changed = (n: number, name: string) => labelChanged({ ...here, labelId: labelNo(n), name, ...looks });
const deleted = (n: number) => labelDeleted({ ...here, labelId: labelNo(n) });
const namesAfter = (command: Command, ...history: readonly LabelEvent[]) => {
  const state = history.reduce(label.evolve, label.initial);
  const decided = label.decide(command, state);
  const after = E.isRight(decided) ? decided.right.reduce(label.evolve, state) : state;
  return [...after.values()].map(({ name }) => name).toSorted();
};

describe('a label', () => {
  it('is made with what is missing above it', () => {
    given().when(create(1, ' Work ')).then(created(1, 'Work'));
    given(created(1, 'Work')).when(create(2, 'Work/Roofs')).then(created(2, 'Work/Roofs'));
    expect(namesAfter(create(1, 'a/b/c'))).toEqual(['a', 'a/b', 'a/b/c']);
    given(created(1, 'Work'))
      .when(create(2, 'work'))
      .thenRejected({ type: 'LabelExists', labelId: labelNo(1) });
    given(created(1, 'Work')).when(create(1, 'Work')).thenNothing();
    for (const name of ['', '/', 'a//b', 'a/', 'x'.repeat(101), 'a/'.repeat(10) + 'a', 'a\u0000']) {
      given().when(create(1, name)).thenRejected({ type: 'BadLabelName' });
    }
  });

  it('takes along what is below when it is renamed', () => {
    const renamed = (name: string) => [changed(1, name), changed(2, `${name}/b`), changed(3, `${name}/b/c`)] as const;
    const tree = [created(1, 'a'), created(2, 'a/b'), created(3, 'a/b/c'), created(4, 'ab')];
    given(...tree)
      .when(change(1, { name: 'z' }))
      .then(...renamed('z'));
    expect(namesAfter(change(2, { name: 'y/x' }), ...tree)).toEqual(['a', 'ab', 'y', 'y/x', 'y/x/c']);
    given(...tree)
      .when(change(1, { name: 'A' }))
      .then(...renamed('A'));
    given(...tree)
      .when(change(1, { name: 'a/b/d' }))
      .thenRejected({ type: 'LabelUnderItself' });
    given(...tree)
      .when(change(1, { name: 'AB' }))
      .thenRejected({ type: 'LabelExists', labelId: labelNo(4) });
    given(...tree)
      .when(change(1, { name: `${'x/'.repeat(8)}x` }))
      .thenRejected({ type: 'BadLabelName' });
  });

  it('changes its looks', () => {
    given(created(1, 'a'))
      .when(change(1, { color: '#000000', auto: true }))
      .then(labelChanged({ ...here, labelId: labelNo(1), name: 'a', color: '#000000', description: null, auto: true }));
    given(created(1, 'a'))
      .when(change(1, { name: 'a', color: looks.color, description: null }))
      .thenNothing();
    given()
      .when(change(1, { auto: true }))
      .thenRejected({ type: 'NoSuchLabel' });
    given(labelCreated({ ...here, labelId: labelNo(1), name: SHREDDED, ...looks }))
      .when(change(1, { name: 'a' }))
      .then(changed(1, 'a'));
  });

  it('goes with what is below', () => {
    given(created(1, 'a'), created(2, 'a/b'), created(3, 'ab')).when(remove(1)).then(deleted(1), deleted(2));
    given().when(remove(1)).thenNothing();
  });

  it('is one of so many at most', () => {
    const many = Array.from({ length: 999 }, (_, n) => created(n + 10, `n${n}`));
    given(...many)
      .when(create(1, 'a/b'))
      .thenRejected({ type: 'TooManyLabels' });
    given(...many)
      .when(create(1, 'a'))
      .then(created(1, 'a'));
  });

  it('has a name that is composed', () => expect(normaliseLabelName('E\u0301cole')).toBe('École'));
});
