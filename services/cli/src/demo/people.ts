/** Who is in the story. */
import { type Client, createClient } from '@tidings/contracts/client/client';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Mailbox } from '@tidings/contracts/http/mail-objects';
import type { UserId } from '@tidings/contracts/ids';
import type { Backbone } from './backbone.ts';
import { eventLine } from './event-line.ts';
import { found } from './failed.ts';
import { follow, type Live } from './live.ts';
import type { Stage } from './stage.ts';

export interface Person {
  /** As they are called in the story: `Alice`. */
  readonly name: string;
  readonly id: UserId;
  readonly displayName: string;
  readonly client: Client;
  readonly mailboxes: readonly Mailbox[];
}
/** Someone whose live stream is open. */
export interface Listener extends Person {
  readonly live: Live;
}

export interface Cast {
  readonly stage: Stage;
  readonly backbone: Backbone;
  readonly alice: Listener;
  readonly bob: Listener;
  readonly carol: Person;
  readonly nameOf: (id: string) => string;
}

/** Logs everybody in and opens the live streams of two. @param signal closes them, and ends what anybody asks for */
export const gather = async (backbone: Backbone, stage: Stage, signal: AbortSignal): Promise<Cast> => {
  const tokens = new Map(await Promise.all(['alice', 'bob', 'carol'].map(async (user) => [user, await backbone.tokenOf(user)] as const)));
  const connect = (user: string) => ({ baseUrl: backbone.httpUrl, token: () => found(tokens.get(user), `${user} has no token`) });
  const enter = async (user: string): Promise<Person> => {
    const { baseUrl, token } = connect(user);
    const client = createClient({
      baseUrl,
      token: () => {
        signal.throwIfAborted(); // asked before each try
        return token();
      },
      fetch: (input, init) => fetch(input, { ...init, signal }),
    });
    const { user: self, mailboxes } = await client.getMe();
    return { name: user.charAt(0).toUpperCase() + user.slice(1), id: self.id, displayName: self.displayName, client, mailboxes };
  };
  const alice = await enter('alice');
  const bob = await enter('bob');
  const carol = await enter('carol');
  const names = new Map<string, string>(
    [alice, bob, carol].flatMap(({ id, displayName, mailboxes }) => [
      [id, displayName] as const,
      ...mailboxes.map((mailbox) => [mailbox.id, mailbox.address] as const),
    ]),
  );
  const listen = async (user: string, person: Person): Promise<Listener> => ({
    ...person,
    live: await follow(user, { ...connect(user), signal }, (event) => stage.event(user, event.type, eventLine(event, names))),
  });
  return {
    stage,
    backbone,
    alice: await listen('alice', alice),
    bob: await listen('bob', bob),
    carol,
    nameOf: (id) => names.get(id) ?? id,
  };
};

/** Some lists answer with an array, or with a page when asked for one. */
export const itemsOf = <A>(list: readonly A[] | { readonly content: readonly A[] }): readonly A[] =>
  'content' in list ? list.content : list;

export const roomsOf = async ({ client }: Person): Promise<readonly ChatRoom[]> => itemsOf(await client.listRooms());
