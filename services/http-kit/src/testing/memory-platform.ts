/** A platform whose log lives in memory, for tests of the HTTP edge. Parts that a test does not give and a handler still touches throw. */
import { createCommands } from '@tidings/infra/commands/create-commands';
import { loadConfig } from '@tidings/infra/config/config';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import { memorySubjectKeys } from '@tidings/infra/subject-keys/memory';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Platform } from '../../../platform/src/platform.ts';

export const memoryPlatform = (parts: Partial<Platform> = {}): Platform => {
  const log = parts.log ?? openMemoryLog();
  const keys = parts.keys ?? memorySubjectKeys();
  const events = parts.events ?? createEventStore(log, keys);
  const given: Partial<Platform> = {
    config: E.getOrElseW((faults: readonly string[]) => {
      throw new Error(faults.join('; '));
    })(loadConfig({})),
    logger: pino({ level: 'silent' }),
    metrics: new Registry(),
    log,
    keys,
    events,
    commands: createCommands(events),
    wordIndex: null,
    changingReadModels: () => [],
    freshness: { waitFor: async () => true, close: async () => {} }, // nothing projects here, so nothing is behind
    now: Date.now,
    close: () => log.close(),
    ...(parts.read === undefined ? {} : { often: parts.read }),
    ...parts,
  };
  return new Proxy(given, {
    get: (target, name) => {
      if (name in target) return target[name as keyof Platform]; // the check makes it one of its keys
      if (name === 'then') return undefined; // so that it may be awaited
      throw new Error(`this test's platform has no ${String(name)}`);
    },
  }) as Platform; // every missing part throws when it is touched
};
