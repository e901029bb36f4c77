/** The OpenAPI 3.1 description of our routes, made of the very codecs that decode requests. */
import * as t from 'io-ts';
import { jsonSchemaOf, mayBeAbsent, type JsonSchema } from '../json-schema.ts';
import { FileForm, FormOr } from './form.ts';
import { namedCodecs, routes as allRoutes } from './index.ts';
import { errorCodes, Problem } from './problem.ts';
import type { Route } from './route.ts';
import { WholeMessage } from './whole-message.ts';

export interface OpenApiOptions {
  readonly version: string;
  /** Where the service answers; left out, it is where the description came from. */
  readonly serverUrl?: string;
  /** The issuer, so that "Authorize" on the page to try it works. */
  readonly issuer?: string;
  readonly routes?: readonly Route[];
}

/** A JSON document; plain data, ready to be serialised. */
export const openApiDocument = ({ version, serverUrl, issuer, routes = allRoutes }: OpenApiOptions): JsonSchema => {
  const schemas = collectSchemas();
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route, schemas.refer);
  const problem = schemas.refer(Problem);
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://spec.openapis.org/oas/3.1/dialect/base',
    info: {
      title: 'Tidings',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl ?? '/' }],
    security: [{ bearer: [] }, ...(issuer === undefined ? [] : [{ login: ['openid', 'profile', 'email'] }])],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token of the configured OpenID Connect issuer.',
        },
        ...(issuer === undefined ? {} : { login: loginAt(issuer) }),
      },
      parameters: { ...headerParameters },
      headers: { 'Tidings-Position': { description: 'Where in the log the change stands.', schema: { type: 'string' } } },
      responses: Object.fromEntries(
        problemStatuses(routes).map((status) => [
          `Problem${status}`,
          {
            description: codesOf(status).join(', ') || 'An error',
            content: { 'application/problem+json': { schema: problem } },
            ...(status === 429 || status === 503
              ? {
                  headers: {
                    'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
                    ...(status === 429 ? rateLimitHeaders : {}),
                  },
                }
              : {}),
          },
        ]),
      ),
      schemas: schemas.all(),
    },
  };
};

const DESCRIPTION = `Chat, mail and live events from one append-only log.

- Every call needs \`Authorization: Bearer <token>\`, unless marked open.
- A command answers when what it changed can be read. \`Prefer: respond-async\` answers 202 at once; \`Tidings-Position\` of the answer, sent with a query, makes that query wait.
- \`Idempotency-Key\` makes it safe to send a POST again: the same key and content count once.
- Every answer tells what is left of the caller's rate limit for such requests (\`RateLimit-Limit\`, \`-Remaining\`, \`-Reset\`, \`-Policy\`). 429 comes with \`Retry-After\` and has changed nothing; send the same request again, with the same \`Idempotency-Key\`.
- Errors are \`application/problem+json\` (RFC 9457).
- For clients of later versions of ISM all of it is under \`/api/v1\` too, where rooms, friends and friend requests always come in pages.`;

/** draft-ietf-httpapi-ratelimit-headers-06; an answer that was let through carries them too. */
const rateLimitHeaders = {
  'RateLimit-Limit': { description: 'So many at once, after a pause.', schema: { type: 'integer' } },
  'RateLimit-Remaining': { description: 'So many are left now.', schema: { type: 'integer' } },
  'RateLimit-Reset': { description: 'Seconds until all of them are back.', schema: { type: 'integer' } },
  'RateLimit-Policy': { description: 'How fast they come back: `50;w=1;burst=200` is 50 a second.', schema: { type: 'string' } },
} as const;

const headerParameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'Sending the same request again with the same key counts once; other content under it is refused (422).',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
  Prefer: { name: 'Prefer', in: 'header', description: '`respond-async`: answer 202 at once (RFC 7240).', schema: { type: 'string' } },
  Position: {
    name: 'Tidings-Position',
    in: 'header',
    description: 'Wait until this position, given by an earlier answer, can be read.',
    schema: { type: 'string' },
  },
} as const;

/** Works with any issuer: flows and endpoints come from its discovery document. */
const loginAt = (issuer: string): JsonSchema => ({
  type: 'openIdConnect',
  description: 'Log in at the issuer.',
  openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
});

/** Named codecs become `$ref`s to `components/schemas`, each described once, when first met. */
const collectSchemas = () => {
  const described = new Map<string, JsonSchema>();
  const refer = (codec: t.Mixed): JsonSchema | undefined => {
    const name = namedCodecs.get(codec);
    if (name === undefined) return undefined;
    if (!described.has(name)) {
      described.set(name, {}); // it may contain itself
      described.set(name, jsonSchemaOf(codec, refer));
    }
    return { $ref: `#/components/schemas/${name}` };
  };
  return {
    refer: (codec: t.Mixed): JsonSchema => refer(codec) ?? jsonSchemaOf(codec, refer),
    all: (): JsonSchema => Object.fromEntries([...described].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
};

type Refer = (codec: t.Mixed) => JsonSchema;

const operation = (route: Route, refer: Refer): JsonSchema => ({
  operationId: route.id,
  tags: [route.tag],
  summary: route.summary,
  ...(route.public ? { security: [] } : {}),
  parameters: [
    ...fieldsOf(route.params, refer).map((field) => ({ name: field.name, in: 'path', required: true, schema: field.schema })),
    ...fieldsOf(route.query, refer).map((field) => ({ name: field.name, in: 'query', required: field.required, schema: field.schema })),
    ...headersOf(route).map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ],
  ...bodyOf(route, refer),
  responses: {
    '200': success(route, refer),
    ...(route.mayRedirect ? { '302': redirect } : {}),
    ...(isCommand(route) ? { '202': { description: 'Accepted; it will be readable soon (`Prefer: respond-async`).' } } : {}),
    ...Object.fromEntries(statusesOf(route).map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }])),
  },
});

const redirect: JsonSchema = {
  description:
    'Where large bytes are handed out elsewhere: the same, at `Location`, for some minutes. It takes ranges, and no token: one that is sent along is refused.',
  headers: { Location: { schema: { type: 'string', format: 'uri' } } },
};

const isCommand = (route: Route): boolean => !route.public && route.method !== 'GET';

const headersOf = (route: Route): readonly (keyof typeof headerParameters)[] => {
  if (route.public || route.produces === 'event-stream') return [];
  if (route.method === 'GET') return ['Position'];
  return route.method === 'POST' ? ['IdempotencyKey', 'Prefer'] : ['Prefer'];
};

const fieldsOf = (codec: t.Mixed, refer: Refer) => {
  const schema = jsonSchemaOf(codec, (inner) => refer(inner));
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>; // of an object schema, which parameters always are
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries(properties).map(([name, field]) => ({ name, schema: field, required: required.includes(name) }));
};

const bodyOf = (route: Route, refer: Refer): JsonSchema =>
  route.body instanceof t.VoidType ? {} : { requestBody: { required: !mayBeAbsent(route.body), content: contentOf(route.body, refer) } };

const contentOf = (body: t.Mixed, refer: Refer): JsonSchema => {
  if (body instanceof FormOr) return { ...contentOf(body.form, refer), ...contentOf(body.json as t.Mixed, refer) }; // of whatever JSON
  const type = body instanceof FileForm ? 'multipart/form-data' : body instanceof WholeMessage ? 'message/rfc822' : 'application/json';
  return { [type]: { schema: refer(body) } };
};

const MEDIA_TYPES = {
  json: 'application/json',
  text: 'text/plain',
  rfc822: 'message/rfc822',
  binary: 'application/octet-stream',
  'event-stream': 'text/event-stream',
} as const;

const success = (route: Route, refer: Refer): JsonSchema => {
  const headers = isCommand(route) ? { headers: { 'Tidings-Position': { $ref: '#/components/headers/Tidings-Position' } } } : {};
  if (route.produces === 'empty') return { description: 'Done; the body is empty.', ...headers };
  const schema =
    route.produces === 'rfc822' || route.produces === 'binary'
      ? {} // OpenAPI 3.1: bytes are a media type without a schema
      : route.produces === 'event-stream'
        ? {
            schema: {
              type: 'string',
              description: 'Server-sent events; `data` of each is a LiveEvent.',
              contentSchema: refer(route.response),
            },
          }
        : { schema: refer(route.response) };
  return { description: 'Done.', ...headers, content: { [MEDIA_TYPES[route.produces]]: schema } };
};

/** What every route may answer, and what it says of itself. */
const statusesOf = (route: Route): readonly number[] => {
  const always = route.public ? [] : [400, 401, 429, 503];
  const withBody = route.body instanceof t.VoidType ? [] : [413, 415];
  return [...new Set([...always, ...withBody, ...route.errors])].sort((a, b) => a - b);
};

const problemStatuses = (routes: readonly Route[]): readonly number[] => [...new Set(routes.flatMap(statusesOf))].sort((a, b) => a - b);

const codesOf = (status: number): readonly string[] =>
  Object.entries(errorCodes).flatMap(([code, of]) => (of === status ? [`\`${code}\``] : []));
