import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { API_REFERENCE, renderApiReference } from './docs-api.ts';
import { CONFIGURATION, renderConfiguration } from './docs-config.ts';
import { EVENT_CATALOGUE, renderEventCatalogue } from './docs-events.ts';
import { renderScale, SCALE } from './docs-scale.ts';

describe('the generated reference', () => {
  it.each([
    ['docs/reference/api.md', API_REFERENCE, renderApiReference, 'node scripts/docs-api.ts'],
    ['docs/reference/events.md', EVENT_CATALOGUE, renderEventCatalogue, 'node scripts/docs-events.ts'],
    ['docs/reference/configuration.md', CONFIGURATION, renderConfiguration, 'node scripts/docs-config.ts'],
    ['docs/scale.md', SCALE, renderScale, 'node scripts/docs-scale.ts'],
  ])('%s says what the code says', async (_, file, render, command) => {
    expect(readFileSync(file, 'utf8') === (await render()), `stale: run \`${command}\``).toBe(true);
  });
});
