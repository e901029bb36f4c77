/** Stored data of any version → the typed data of today: upcast here and nowhere else, then check. */
import { decode } from '@tidings/contracts/codec';
import type { EventDefinition } from '@tidings/contracts/events/definition';
import type { JsonObject } from '@tidings/contracts/ports/event-log';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

/**
 * Data written at the current version was decoded and encoded by this same codec on its way in, so a type guard (`is`) is enough: it
 * checks as much as `decode` and allocates nothing, which is what a replay needs. It relies on event codecs being JSON both ways (what
 * `decode` gives is what `encode` stores); the golden files guard that. Older versions, and whatever the guard refuses, take the full way.
 *
 * @param boxed whether all personal fields came out of boxes, which only a holder of their keys can have made: then they are as they were
 * checked before they were sealed, and are not checked again
 */
export const decodeData = (definition: EventDefinition, version: number, opened: JsonObject, boxed = false): E.Either<string, object> =>
  version === definition.version && (boxed ? shellOf(definition) : definition.data).is(opened)
    ? E.right(opened)
    : decodeFully(definition, upcast(definition, version, opened));

/** The definition's codec without the fields that are sealed as a whole. */
const shellOf = (definition: EventDefinition): t.Mixed => {
  const known = shells.get(definition);
  if (known !== undefined) return known;
  const shell = withoutFields(
    definition.data,
    definition.personal.flatMap(({ each, within, fields }) => (each === undefined && within === undefined ? fields : [])),
  );
  shells.set(definition, shell);
  return shell;
};
const shells = new WeakMap<EventDefinition, t.Mixed>();

const withoutFields = (codec: t.Mixed, fields: readonly string[]): t.Mixed => {
  if (fields.length === 0) return codec;
  if (codec instanceof t.ReadonlyType) return withoutFields(codec.type as t.Mixed, fields);
  if (codec instanceof t.IntersectionType) {
    const [first, second, ...more] = (codec.types as readonly t.Mixed[]).map((part) => withoutFields(part, fields));
    return first === undefined || second === undefined ? codec : t.intersection([first, second, ...more] as [t.Mixed, t.Mixed]); // as many as there are
  }
  if (!(codec instanceof t.InterfaceType)) return codec; // of another build than all event codecs have: checked as a whole
  return t.type(Object.fromEntries(Object.entries(codec.props as t.Props).filter(([name]) => !fields.includes(name))));
};

/** The data as the current version would have stored it. */
export const upcast = (definition: EventDefinition, version: number, data: JsonObject): JsonObject =>
  definition.upcasts
    .filter(({ to }) => to > version && to <= definition.version)
    .toSorted((a, b) => a.to - b.to)
    .reduce((current, step) => step.apply(current), data);

const decodeFully = (definition: EventDefinition, data: JsonObject): E.Either<string, object> =>
  E.mapLeft((errors: readonly { readonly path: string; readonly message: string }[]) =>
    errors.map(({ path, message }) => `${path} ${message}`).join('; '),
  )(decode(definition.data, data));
