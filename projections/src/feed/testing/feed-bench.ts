/** A feed on a database of its own: events go in, and what somebody is told comes out. */
import type { Recorded } from '@tidings/contracts/events/index';
import { afterPosition, LiveEvent } from '@tidings/contracts/http/live';
import { START } from '@tidings/contracts/ports/event-log';
import type { Instance, RunningProjection } from '../../../../tests/kit/projection.ts';
import { feed } from '../index.ts';
import { entriesFor } from '../queries.ts';
import { type Story, user } from './story.ts';

/** A fresh feed that has applied `events` in pages of `pageSize`. */
export const told = async (bench: RunningProjection, events: readonly Recorded[], pageSize = 500): Promise<Instance> => {
  const instance = await bench.fresh(feed);
  await instance.apply(events, pageSize);
  return instance;
};

/** What `name` is told, from the beginning to the end of the story. */
export const heard = async (bench: RunningProjection, instance: Instance, name: string, story: Story): Promise<readonly LiveEvent[]> =>
  (await bench.read.any(entriesFor(instance.schema, user(name), afterPosition(START), story.head, 1000))).map(({ payload }) => {
    const event: unknown = JSON.parse(payload);
    if (!LiveEvent.is(event)) throw new Error(`not a LiveEvent: ${payload}`);
    return event;
  });
