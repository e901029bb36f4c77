import type { LabelId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import type { LabelEvent } from './events.ts';
import { labelKey } from './name.ts';

export interface Label {
  readonly labelId: LabelId;
  readonly name: Sealed<string>;
  readonly color: string;
  readonly description: Sealed<string | null>;
  readonly auto: boolean;
}

/** The labels of one mailbox. */
export type State = ReadonlyMap<LabelId, Label>;

export const initial: State = new Map();

export const evolve = (state: State, event: LabelEvent): State => {
  switch (event.type) {
    case 'LabelCreated':
    case 'LabelChanged': {
      const { labelId, name, color, description, auto } = event.data;
      return new Map(state).set(labelId, { labelId, name, color, description, auto });
    }
    case 'LabelDeleted': {
      const left = new Map(state);
      left.delete(event.data.labelId);
      return left;
    }
    default:
      return state;
  }
};

/** A label whose name can still be read. */
export type NamedLabel = Label & { readonly name: string };

const isNamed = (label: Label): label is NamedLabel => !isShredded(label.name);

export const namedLabels = (state: State): readonly NamedLabel[] => [...state.values()].filter(isNamed);

export const labelNamed = (state: State, name: string): NamedLabel | undefined =>
  namedLabels(state).find((label) => labelKey(label.name) === labelKey(name));

/** Those below it, at any depth. */
export const labelsUnder = (state: State, name: string): readonly NamedLabel[] =>
  namedLabels(state).filter((label) => labelKey(label.name).startsWith(`${labelKey(name)}/`));
