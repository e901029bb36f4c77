/**
 * JSON Schema (draft 2020-12) of our codecs, so that OpenAPI and the event catalogue say what the server really checks. io-ts's own
 * combinators describe themselves; a codec with a rule of its own is `described` where it is defined.
 */
import * as t from 'io-ts';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}
type Description = JsonSchema | ((inner: (codec: t.Mixed) => JsonSchema) => JsonSchema);

const descriptions = new WeakMap<object, Description>();

/** Attaches the schema and gives the same codec back. A function gets `inner` to describe the codecs it is made of. */
export const described = <C extends t.Any>(codec: C, description: Description): C => {
  descriptions.set(codec, description);
  return codec;
};

/**
 * @param refer names a codec that is described elsewhere: gives its `$ref`, or undefined to describe it in place
 * @throws for a codec that nothing describes: use `described` on it
 */
export const jsonSchemaOf = (codec: t.Mixed, refer: (codec: t.Mixed) => JsonSchema | undefined = () => undefined): JsonSchema => {
  const inner = (part: t.Mixed): JsonSchema => refer(part) ?? describe(part, inner);
  return describe(codec, inner);
};

const describe = (codec: t.Mixed, inner: (codec: t.Mixed) => JsonSchema): JsonSchema => {
  const description = descriptions.get(codec);
  if (description !== undefined) return typeof description === 'function' ? description(inner) : description;
  if (codec instanceof t.ReadonlyType || codec instanceof t.RefinementType) return describe(codec.type, inner);
  if (codec instanceof t.StringType) return { type: 'string' };
  if (codec instanceof t.NumberType) return { type: 'number' };
  if (codec instanceof t.BooleanType) return { type: 'boolean' };
  if (codec instanceof t.NullType || codec instanceof t.VoidType || codec instanceof t.UndefinedType) return { type: 'null' };
  if (codec instanceof t.UnknownType || codec instanceof t.AnyType) return {};
  if (codec instanceof t.LiteralType) return { const: codec.value };
  if (codec instanceof t.KeyofType) return { type: 'string', enum: Object.keys(codec.keys) };
  if (codec instanceof t.ArrayType || codec instanceof t.ReadonlyArrayType) return { type: 'array', items: inner(codec.type) };
  if (codec instanceof t.AnyDictionaryType) return { type: 'object' };
  if (codec instanceof t.DictionaryType) return { type: 'object', additionalProperties: inner(codec.codomain) };
  if (codec instanceof t.InterfaceType) return objectOf(codec.props, inner, true);
  if (codec instanceof t.PartialType) return objectOf(codec.props, inner, false);
  if (codec instanceof t.ExactType) return { ...describe(codec.type, inner), additionalProperties: false };
  if (codec instanceof t.UnionType) return unionOf(codec.types, inner);
  if (codec instanceof t.IntersectionType) return intersectionOf(codec.types, inner);
  throw new Error(`codec ${codec.name} has no JSON schema: describe it where it is defined (contracts/src/json-schema.ts)`);
};

const objectOf = (props: t.Props, inner: (codec: t.Mixed) => JsonSchema, required: boolean): JsonSchema => {
  const names = required ? Object.keys(props).filter((name) => !mayBeAbsent(props[name])) : [];
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(props).map(([name, codec]) => [name, inner(codec)])),
    ...(names.length === 0 ? {} : { required: names }),
  };
};

/** Whether `undefined` decodes, so that the field or body may be left out. */
export const mayBeAbsent = (codec: t.Mixed | undefined): boolean =>
  codec instanceof t.UndefinedType ||
  codec instanceof t.VoidType ||
  (codec instanceof t.ReadonlyType && mayBeAbsent(codec.type)) ||
  (codec instanceof t.UnionType && (codec.types as readonly t.Mixed[]).some(mayBeAbsent)); // io-ts types the members as any

const unionOf = (types: readonly t.Mixed[], inner: (codec: t.Mixed) => JsonSchema): JsonSchema => {
  const schemas = types.filter((type) => !(type instanceof t.UndefinedType || type instanceof t.VoidType)).map(inner);
  const [first, second] = schemas;
  if (first !== undefined && schemas.length === 1) return first;
  if (schemas.length === 2 && first !== undefined && second?.type === 'null' && typeof first.type === 'string') {
    return { ...first, type: [first.type, 'null'], ...(Array.isArray(first.enum) ? { enum: [...(first.enum as unknown[]), null] } : {}) };
  }
  if (schemas.every((schema) => 'const' in schema)) return { enum: schemas.map((schema) => schema.const) };
  return { anyOf: schemas };
};

/** Plain objects become one object; anything else stays an `allOf`. */
const intersectionOf = (types: readonly t.Mixed[], inner: (codec: t.Mixed) => JsonSchema): JsonSchema => {
  const schemas = types.map((type) => inner(type));
  if (!schemas.every(isPlainObject)) return { allOf: schemas };
  const required = schemas.flatMap((schema) => schema.required ?? []);
  return {
    type: 'object',
    properties: Object.assign({}, ...schemas.map((schema) => schema.properties)) as Record<string, JsonSchema>, // merged from typed parts
    ...(required.length === 0 ? {} : { required }),
  };
};

interface ObjectSchema extends JsonSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}
const isPlainObject = (schema: JsonSchema): schema is ObjectSchema =>
  schema.type === 'object' && typeof schema.properties === 'object' && !('additionalProperties' in schema);
