/** Behind the scenes: every read model has caught up with the log. */
import { setTimeout as delay } from 'node:timers/promises';
import { nullable } from '@tidings/contracts/codec';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { DemoFailed } from '../failed.ts';
import type { Cast } from '../people.ts';
import { table } from '../stage.ts';

const Readiness = t.type({
  ready: t.boolean,
  projections: t.readonlyArray(t.type({ name: t.string, version: t.number, state: t.string, lag: nullable(t.number) })),
});
type Readiness = t.TypeOf<typeof Readiness>;

const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 100;

export const behind = async (cast: Cast): Promise<void> => {
  cast.stage.scene('Behind the scenes');
  const { projections } = await caughtUp(cast);
  cast.stage.view(
    'Read models, each made from the one log',
    table(projections.map(({ name, version, state, lag }) => [name, `version ${version}`, state, `lag ${lag ?? 'unknown'}`])),
  );
};

/** Projections report how far they are a few times a second, and nothing tells when they do: so it is asked for. */
const caughtUp = async ({ backbone }: Cast): Promise<Readiness> => {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    // Not by the client: an answer that says "not yet" is one to read.
    const response = await fetch(`${backbone.httpUrl}/ready`);
    const decoded = Readiness.decode(await response.json());
    if (E.isLeft(decoded)) throw new DemoFailed(`${backbone.httpUrl}/ready answers something else (${response.status})`);
    const { ready, projections } = decoded.right;
    const live = projections.filter(({ state }) => state === 'live');
    if (ready && live.length > 0 && live.every(({ lag }) => lag === 0)) return { ready, projections: live };
    if (Date.now() > deadline)
      throw new DemoFailed(`after ${PATIENCE_MS / 1000} s the read models still lag behind: ${JSON.stringify(decoded.right)}`);
    await delay(LOOK_EVERY_MS);
  }
};
