/** For tests of the live stream: two people in a room, and what they say there. */
import type { Listening } from './listening.ts';
import type { Newsroom } from './newsroom.ts';

/** Two people and a room; told and published. */
export const begin = async ({ story, publish }: Newsroom): Promise<void> => {
  story.registers('ada').registers('bob').creates('team', 'Group', 'ada', 'bob');
  await publish();
};
export const say = async ({ story, publish }: Newsroom, ...texts: readonly string[]): Promise<void> => {
  for (const text of texts) story.says('team', 'ada', text);
  await publish();
};
export const textsOf = (listening: Listening): readonly unknown[] =>
  listening.heard.map(({ event }) => (event as { message?: { msgBody: { text?: string } } }).message?.msgBody.text);
