/** What an event changes about who keeps which bytes. */
import { eventDefinitions, type EventType, type Recorded, type TidingsEvent } from '@tidings/contracts/events/index';
import type { BlobId } from '@tidings/contracts/ids';
import { blobFieldsOf, blobsAt, type FieldPath } from './blob-fields.ts';
import { type Ending, ENDINGS, type Holder, type Keeper, KEEPERS } from './rules.ts';

export interface Change {
  /** These keep exactly `blobs` from here on. */
  readonly holders: readonly Holder[];
  readonly blobs: readonly BlobId[];
  /** These and all below them keep nothing any more. */
  readonly letGo: readonly Holder[];
  readonly isErased: boolean;
}

// A rule is only ever given the data of its own type; the compiler has seen to that where the tables are written.
type AnyRule<R> = { readonly [type: string]: R | null | undefined };
const keepers = KEEPERS as AnyRule<Keeper<TidingsEvent['data']>>;
const endings = ENDINGS as AnyRule<Ending<TidingsEvent['data']>>;

/** Where each type names the bytes that it keeps. */
const kept: ReadonlyMap<string, readonly FieldPath[]> = new Map(
  eventDefinitions.flatMap((definition) => {
    const keeper = keepers[definition.type];
    if (keeper === undefined || keeper === null) return [];
    const fields = blobFieldsOf(definition).filter(({ path, isSealed }) => !isSealed && !keeper.butNot?.includes(path[0] ?? ''));
    return [[definition.type, fields.map(({ path }) => path)] as const];
  }),
);

export const CHANGING: readonly EventType[] = [...new Set([...Object.keys(KEEPERS), ...Object.keys(ENDINGS)])] as EventType[]; // their keys are types

export const changeOf = ({ type, data }: Recorded): Change => {
  const [keeper, ending] = [keepers[type], endings[type]];
  return {
    holders: keeper?.by(data) ?? [],
    blobs: [...new Set((kept.get(type) ?? []).flatMap((path) => blobsAt(data, path)))],
    letGo: ending?.of(data) ?? [],
    isErased: ending?.isErased ?? false,
  };
};

/** `mailbox/<id>` of whatever lies below it. */
export const rootOf = (holder: Holder): Holder => holder.split('/', 2).join('/');

export const isLeaf = (holder: Holder): boolean => LEAF.test(holder);
/** Paths that are only ever let go of one by one: nothing lies below them. */
const LEAF = /^mailbox\/[^/]+\/(received|thread\/[^/]+\/email)\//;
