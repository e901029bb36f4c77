/** Bob asks Alice to be friends, and she accepts. */
import { DemoFailed } from '../failed.ts';
import { type Cast, itemsOf, type Person } from '../people.ts';

export const friends = async ({ stage, alice, bob }: Cast): Promise<void> => {
  stage.scene('Bob asks Alice to be friends');
  if (await becomeStrangers(alice, bob)) stage.act('They are friends from before; for the sake of the story that ends here.');

  stage.act('Bob asks.');
  await bob.client.requestFriendship({ params: { userId: alice.id } });
  await alice.live.until('FriendRequestReceived', ({ fromUser }) => fromUser.id === bob.id);
  stage.view('Who asked Alice', namesIn(await alice.client.listFriendRequests()));

  stage.act('Alice accepts.');
  await alice.client.acceptFriendship({ params: { userId: bob.id } });
  await bob.live.until('FriendRequestAccepted', ({ fromUser }) => fromUser.id === alice.id);
  stage.view("Alice's friends", namesIn(await alice.client.listFriends()));
  stage.view("Bob's friends", namesIn(await bob.client.listFriends()));
};

/** @returns whether there was something to end */
const becomeStrangers = async (alice: Person, bob: Person): Promise<boolean> => {
  const { relationshipType } = await bob.client.getUser({ params: { userId: alice.id } });
  switch (relationshipType) {
    case null:
      return false;
    case 'FRIEND':
      await bob.client.endFriendship({ params: { userId: alice.id } });
      return true;
    case 'INVITE_SENT':
      await alice.client.rejectFriendship({ params: { userId: bob.id } });
      return true;
    case 'INVITE_RECEIVED':
      await bob.client.rejectFriendship({ params: { userId: alice.id } });
      return true;
    case 'CLIENT_BLOCKED':
    case 'CLIENT_GOT_BLOCKED':
      throw new DemoFailed('Alice and Bob are in a block relation here, so the story cannot be told');
  }
};

type People = readonly { readonly displayName: string }[];
const namesIn = (list: People | { readonly content: People }): readonly string[] => itemsOf(list).map(({ displayName }) => displayName);
