import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { routes } from './index.ts';
import { openApiDocument } from './openapi.ts';

describe('the API description', () => {
  it('is OpenAPI 3.1 that a strict linter finds nothing in', async () => {
    const source = JSON.stringify(
      openApiDocument({ version: '1.0.0', serverUrl: 'https://tidings.example.org', issuer: 'https://id.example.org' }),
    );
    const config = await createConfig({
      extends: ['recommended-strict'],
      rules: {
        'operation-4xx-response': 'off', // the open routes have none
        'tag-description': 'off',
      },
    });
    const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`)).toEqual([]);
  });

  it('has every route once, under an id of its own', () => {
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
    expect(new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)).size).toBe(routes.length);
  });

  it('says what the codecs check', () => {
    const document = JSON.parse(JSON.stringify(openApiDocument({ version: '1.0.0' }))) as {
      paths: Record<
        string,
        Record<string, { parameters: unknown[]; requestBody?: { required: boolean; content: unknown }; responses: object }>
      >;
      components: { schemas: Record<string, unknown> };
    };
    const timeline = document.paths['/api/rooms/{roomId}/timeline']?.get;
    expect(timeline?.parameters).toContainEqual({ name: 'roomId', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } });
    expect(timeline?.parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 100 },
    });
    expect(document.paths['/api/rooms/{roomId}/mark-read']?.post?.requestBody?.required).toBe(false);
    expect(document.paths['/api/media']?.post?.requestBody).toEqual({
      required: true,
      content: {
        'multipart/form-data': {
          schema: { type: 'object', properties: { file: { type: 'string', format: 'binary' } }, required: ['file'] },
        },
      },
    });
    expect(document.components.schemas.RoomMember).toMatchObject({
      properties: { id: { type: 'string', format: 'uuid' }, lastMessageReadAt: { type: ['string', 'null'], format: 'date-time' } },
      required: expect.arrayContaining(['id', 'displayName', 'joinedAt']),
    });
  });

  it('describes every path parameter, and none that is not in the path', () => {
    for (const { id, path, params } of routes) {
      const written = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const codec = params as { readonly type?: { readonly props?: object }; readonly props?: object }; // readonly(type(…)) or type(…)
      expect(Object.keys(codec.props ?? codec.type?.props ?? {}).sort(), id).toEqual(written.map(String).sort());
    }
  });
});
