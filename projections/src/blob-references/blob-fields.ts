/** Where an event of each type names bytes, read off its codec: a field that is added there is found here. */
import type { EventDefinition } from '@tidings/contracts/events/definition';
import { BlobId } from '@tidings/contracts/ids';
import { jsonSchemaOf, type JsonSchema } from '@tidings/contracts/json-schema';

/** Names of fields on the way; `EACH` stands for every item of a list. */
export type FieldPath = readonly string[];
export const EACH = '*';

export interface BlobField {
  readonly path: FieldPath;
  /** It cannot be read once its subject is erased, so nobody may count on it. */
  readonly isSealed: boolean;
}

const MARK = 'tidings-blob';
const marked: JsonSchema = { type: 'string', [MARK]: true };

export const blobFieldsOf = (definition: EventDefinition): readonly BlobField[] =>
  pathsIn(jsonSchemaOf(definition.data, (codec) => (codec === BlobId ? marked : undefined))).map((path) => ({
    path,
    isSealed: isSealed(definition, path),
  }));

const isSealed = ({ personal }: EventDefinition, path: FieldPath): boolean =>
  personal.some(({ each, fields }) => (each === undefined || path[0] === each) && fields.includes(path[each === undefined ? 0 : 2] ?? ''));

const pathsIn = (schema: JsonSchema): readonly FieldPath[] => {
  if (schema[MARK] === true) return [[]];
  const below = (part: unknown, ...names: readonly string[]): readonly FieldPath[] =>
    typeof part === 'object' && part !== null ? pathsIn(part as JsonSchema).map((path) => [...names, ...path]) : [];
  const { properties, items, additionalProperties, anyOf, allOf } = schema;
  const all = [
    ...Object.entries((properties ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, part]) => below(part, name)),
    ...below(items, EACH),
    ...below(additionalProperties, EACH),
    ...[anyOf, allOf].flatMap((parts) => (Array.isArray(parts) ? parts.flatMap((part) => below(part)) : [])),
  ];
  return [...new Map(all.map((path) => [path.join('.'), path])).values()];
};

/** What an event names at a path; nothing where it says null or has another shape there. */
export const blobsAt = (data: unknown, [name, ...rest]: FieldPath): readonly BlobId[] => {
  if (name === undefined) return BlobId.is(data) ? [data] : [];
  if (typeof data !== 'object' || data === null) return [];
  if (name === EACH) return Object.values(data).flatMap((item) => blobsAt(item, rest));
  return blobsAt((data as Readonly<Record<string, unknown>>)[name], rest);
};
