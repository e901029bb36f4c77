/** The labels of a mailbox (collaborative inbox §1.7): they nest by their names, and what is above one is there whenever it is. */
import { derivedId, type LabelId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type LabelEvent, labelChanged, labelCreated, labelDeleted } from './events.ts';
import { labelKey, namesAbove, normaliseLabelName } from './name.ts';
import { type Label, labelNamed, labelsUnder, type State } from './state.ts';

/** What may change; what is left out stays. */
export interface LabelChanges {
  readonly name?: string | undefined;
  readonly color?: string | undefined;
  readonly description?: string | null | undefined;
  readonly auto?: boolean | undefined;
}

interface OneLabel {
  readonly mailboxId: MailboxId;
  readonly labelId: LabelId;
  readonly by: UserId;
}

export type Command =
  | ({
      readonly type: 'CreateLabel';
      readonly name: string;
      readonly color: string;
      readonly description: string | null;
      readonly auto: boolean;
    } & OneLabel)
  /** `operation` names this very change: the labels that it makes above take their ids from it. */
  | ({ readonly type: 'ChangeLabel'; readonly changes: LabelChanges; readonly operation: string } & OneLabel)
  | ({ readonly type: 'DeleteLabel' } & OneLabel);

export type Rejection =
  | { readonly type: 'NoSuchLabel'; readonly labelId: LabelId }
  /** Empty steps, too deep, too long. */
  | { readonly type: 'BadLabelName' }
  | { readonly type: 'LabelExists'; readonly labelId: LabelId }
  | { readonly type: 'LabelUnderItself'; readonly labelId: LabelId }
  | { readonly type: 'TooManyLabels' };

/** A list that a client shows as one tree. */
export const MOST_LABELS = 1000;

export const decide = (command: Command, state: State): Either<Rejection, readonly LabelEvent[]> => {
  const { labelId } = command;
  switch (command.type) {
    case 'CreateLabel': {
      if (state.has(labelId)) return right([]);
      const name = normaliseLabelName(command.name);
      if (name === null) return left({ type: 'BadLabelName' });
      const same = labelNamed(state, name);
      if (same !== undefined) return left({ type: 'LabelExists', labelId: same.labelId });
      const { mailboxId, color, description, auto, by } = command;
      const created = labelCreated({ mailboxId, labelId, name, color, description, auto, by });
      return within(state, [...missingAbove(command, labelId, state, { name, color }), created]);
    }
    case 'ChangeLabel': {
      const label = state.get(labelId);
      return label === undefined ? left({ type: 'NoSuchLabel', labelId }) : change(command, label, state);
    }
    case 'DeleteLabel': {
      const label = state.get(labelId);
      if (label === undefined) return right([]);
      const below = isShredded(label.name) ? [] : labelsUnder(state, label.name);
      const { mailboxId, by } = command;
      return right([label, ...below].map((gone) => labelDeleted({ mailboxId, labelId: gone.labelId, by })));
    }
  }
};

const change = (
  { mailboxId, labelId, by, changes, operation }: Extract<Command, { readonly type: 'ChangeLabel' }>,
  label: Label,
  state: State,
): Either<Rejection, readonly LabelEvent[]> => {
  const name = changes.name === undefined ? label.name : normaliseLabelName(changes.name);
  if (name === null) return left({ type: 'BadLabelName' });
  const is: Label = {
    labelId,
    name,
    color: changes.color ?? label.color,
    description: changes.description === undefined ? label.description : changes.description,
    auto: changes.auto ?? label.auto,
  };
  const changed = isSame(is, label) ? [] : [labelChanged({ mailboxId, ...is, by })];
  if (isShredded(name) || name === label.name) return right(changed);

  const same = labelNamed(state, name);
  if (same !== undefined && same.labelId !== labelId) return left({ type: 'LabelExists', labelId: same.labelId });
  const was = isShredded(label.name) ? null : label.name;
  if (was !== null && labelKey(name).startsWith(`${labelKey(was)}/`)) return left({ type: 'LabelUnderItself', labelId });
  const below = (was === null ? [] : labelsUnder(state, was)).map((one) => ({
    one,
    name: normaliseLabelName(name + one.name.slice(was?.length)),
  }));
  if (below.some((moved) => moved.name === null)) return left({ type: 'BadLabelName' });
  return within(state, [
    ...missingAbove({ mailboxId, by }, operation, state, { name, color: is.color }),
    ...changed,
    ...below.flatMap(({ one, name: now }) => (now === null ? [] : [labelChanged({ mailboxId, ...one, name: now, by })])),
  ]);
};

const isSame = (a: Label, b: Label): boolean =>
  a.color === b.color && a.auto === b.auto && sameText(a.name, b.name) && sameText(a.description, b.description);
const sameText = (a: Label['description'], b: Label['description']): boolean => a === b || (isShredded(a) && isShredded(b));

/** Their ids derive from what needs them, so that a retry makes the same. */
const missingAbove = (
  { mailboxId, by }: Pick<OneLabel, 'mailboxId' | 'by'>,
  operation: string,
  state: State,
  { name, color }: { readonly name: string; readonly color: string },
): readonly LabelEvent[] =>
  namesAbove(name)
    .filter((above) => labelNamed(state, above) === undefined)
    .map((above) => {
      const labelId = derivedId<LabelId>('label-above', mailboxId, operation, labelKey(above));
      return labelCreated({ mailboxId, labelId, name: above, color, description: null, auto: false, by });
    });

const within = (state: State, events: readonly LabelEvent[]): Either<Rejection, readonly LabelEvent[]> =>
  state.size + events.filter(({ type }) => type === 'LabelCreated').length > MOST_LABELS ? left({ type: 'TooManyLabels' }) : right(events);
