import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, messageNo, roomNo } from '../testing/people.ts';
import type { Command } from './decide.ts';
import { roomDelivered, roomRead } from './events.ts';
import { readReceipt } from './index.ts';

const given = specify(readReceipt);
const mark = (upToSeq: number, isMember = true): Command => ({
  type: 'MarkRoomRead',
  roomId: roomNo(1),
  userId: alice,
  upToSeq,
  upTo: messageNo(upToSeq),
  isMember,
});
const read = (upToSeq: number) => roomRead({ roomId: roomNo(1), userId: alice, upToSeq, upTo: messageNo(upToSeq) });

it('a read mark moves forward only', () => {
  given().when(mark(3)).then(read(3));
  given(read(3)).when(mark(4)).then(read(4));
  given(read(3)).when(mark(3)).thenNothing();
  given(read(3)).when(mark(2)).thenNothing();
  given(read(3), read(1)).when(mark(2)).thenNothing();
});

it('a room with nothing in it yet can be read, once', () => {
  given().when(mark(0)).then(read(0));
  given(read(0)).when(mark(0)).thenNothing();
  given(read(0)).when(mark(1)).then(read(1));
  given(read(1)).when(mark(0)).thenNothing();
});

it('only members have one', () => {
  given().when(mark(3, false)).thenRejected({ type: 'NotAMember', userId: alice });
});

const deliver = (upToSeq: number, isMember = true): Command => ({
  type: 'MarkRoomDelivered',
  roomId: roomNo(1),
  userId: alice,
  upToSeq,
  upTo: messageNo(upToSeq),
  isMember,
});
const delivered = (upToSeq: number) => roomDelivered({ roomId: roomNo(1), userId: alice, upToSeq, upTo: messageNo(upToSeq) });

it('a delivery mark moves forward only, and reading is delivery', () => {
  given().when(deliver(3)).then(delivered(3));
  given(delivered(3)).when(deliver(3)).thenNothing();
  given(delivered(3)).when(deliver(2)).thenNothing();
  given(delivered(3), read(5)).when(deliver(4)).thenNothing();
  given(read(3)).when(deliver(4)).then(delivered(4));
  given(delivered(3)).when(mark(2)).then(read(2));
  given().when(deliver(0)).thenNothing();
  given().when(deliver(3, false)).thenRejected({ type: 'NotAMember', userId: alice });
});
