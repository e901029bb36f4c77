/** What a back end does in a town's history; its token is the admin's. */
import type { Report } from '@tidings/contracts/http/admin';
import type { Message, Page } from '@tidings/contracts/http/chat-objects';
import type { Program } from '../kit/program.ts';
import { askJson, type Asked, type Dice, type Person, type Town } from './town.ts';

export interface Service {
  readonly program: Program;
  readonly town: Town;
  readonly dice: Dice;
  /** Tells one act from the others. */
  readonly count: number;
  /** Asks in somebody's name; null for what was refused. */
  readonly act: (person: Person, path: string, asked: Asked) => Promise<unknown>;
}

/** @returns what was said in the room, if anything was */
export const serviceAct = async ({ program, town, dice, count, act }: Service, room: string, about: Person): Promise<Message | null> => {
  const chance = dice.below(4);
  if (chance < 1) {
    const body = { displayName: `${dice.one(['Mr', 'Ms'])} ${about.name}`, description: dice.one([null, `Number ${count}`]) };
    await act(town.admin, `/api/admin/users/${about.id}`, { method: 'PUT', body });
    return null;
  }
  if (chance < 3) {
    const body = { msgBody: { text: `The town hall says ${count}` } };
    return (await act(town.admin, `/api/admin/rooms/${room}/messages`, { body })) as Message | null; // as the route says
  }
  const open = await askJson<Page<Report>>(program, town.admin, '/api/admin/reports?state=open');
  const outcome = dice.one(['dismissed', 'removed']);
  for (const { id } of open.content.slice(0, 1)) await act(town.admin, `/api/admin/reports/${id}/resolve`, { body: { outcome } });
  return null;
};

/** Erases one of those who have done things; they can ask for nothing any more. */
export const eraseOne = async (program: Program, town: Town): Promise<Person> => {
  const erased = town.people[12];
  if (erased === undefined) throw new Error('the town is too small to lose anybody');
  await askJson(program, town.admin, `/api/admin/users/${erased.id}`, { method: 'DELETE' });
  return erased;
};
