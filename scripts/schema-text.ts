/** JSON Schema as short text for people: `{ id: uuid, name?: string of 1-100 | null }`. */
import type { JsonSchema } from '@tidings/contracts/json-schema';

const WIDE = 100;

/** @param indent of the line it starts on; a shape that is too wide goes over several lines */
export const shapeOf = (schema: JsonSchema, indent: string): string => {
  if (typeof schema.$ref === 'string') return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  for (const [keyword, sign] of [
    ['anyOf', ' | '],
    ['allOf', ' & '],
  ] as const) {
    const parts = schema[keyword];
    if (Array.isArray(parts)) return (parts as readonly JsonSchema[]).map((part) => shapeOf(part, indent)).join(sign);
  }
  const types = [schema.type].flat();
  return types.map((type) => ofType(String(type), schema, indent)).join(' | ');
};

const ofType = (type: string, schema: JsonSchema, indent: string): string => {
  switch (type) {
    case 'object':
      return objectShape(schema, indent);
    case 'array': {
      const items = shapeOf((schema.items ?? {}) as JsonSchema, indent);
      return `${items.includes(' | ') && !items.startsWith('{') ? `(${items})` : items}[]${range(schema.minItems, schema.maxItems)}`;
    }
    case 'string':
      if (typeof schema.format === 'string') return schema.format;
      return `string${range(schema.minLength, schema.maxLength)}`;
    case 'integer':
      return `integer${range(schema.minimum, schema.maximum)}`;
    case 'undefined':
      return 'any';
    default:
      return type;
  }
};

/** Bounds are numbers wherever a schema has them. */
const range = (min: unknown, max: unknown): string => {
  if (typeof min !== 'number') return '';
  return typeof max === 'number' ? ` ${min}-${max}` : ` ≥ ${min}`;
};

const objectShape = (schema: JsonSchema, indent: string): string => {
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>);
  if (properties.length === 0)
    return schema.additionalProperties === undefined
      ? 'object'
      : `{ [key]: ${shapeOf(schema.additionalProperties as JsonSchema, indent)} }`;
  const required = new Set((schema.required ?? []) as readonly string[]);
  const deeper = `${indent}  `;
  const fields = properties.map(([name, field]) => `${name}${required.has(name) ? '' : '?'}: ${shapeOf(field, deeper)}`);
  const line = `{ ${fields.join(', ')} }`;
  return line.length + indent.length <= WIDE && !line.includes('\n')
    ? line
    : `{\n${fields.map((field) => `${deeper}${field}`).join(',\n')}\n${indent}}`;
};

/** For a cell of a Markdown table. */
export const cell = (text: string): string => `\`${text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')}\``;
