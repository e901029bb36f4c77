/** Stored data of any version → the typed data of today: upcast here and nowhere else, then check. */
import { decode } from '@tidings/contracts/codec';
import type { EventDefinition } from '@tidings/contracts/events/definition';
import type { JsonObject } from '@tidings/contracts/ports/event-log';
import { either as E } from 'fp-ts';

/**
 * Data written at the current version was decoded and encoded by this same codec on its way in, so a type guard (`is`) is enough: it
 * checks as much as `decode` and allocates nothing, which is what a replay needs. It relies on event codecs being JSON both ways (what
 * `decode` gives is what `encode` stores); the golden files guard that. Older versions, and whatever the guard refuses, take the full way.
 */
export const decodeData = (definition: EventDefinition, version: number, opened: JsonObject): E.Either<string, object> =>
  version === definition.version && definition.data.is(opened)
    ? E.right(opened)
    : decodeFully(definition, upcast(definition, version, opened));

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
