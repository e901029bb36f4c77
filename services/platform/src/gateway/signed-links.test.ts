import { derivedId, type MediaId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { expect, it } from 'vitest';
import { memoryPlatform } from '../../../http-kit/src/testing/memory-platform.ts';
import { openSignedLinks } from './signed-links.ts';

const userId = derivedId<UserId>('ada');
const rooms = [derivedId<RoomId>('one'), derivedId<RoomId>('two')];
const file = {
  roomId: derivedId<RoomId>('one'),
  messageId: derivedId<MessageId>('m'),
  mediaId: derivedId<MediaId>('f'),
  until: 1_800_000_000_000,
};
const tokenIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

it('name what they are for, and are the same each time', async () => {
  const links = await openSignedLinks(memoryPlatform().keys);
  const path = links.unsubscribePath({ userId, rooms });
  expect(path).toMatch(/^\/gateway\/unsubscribe\/[\w-]+$/);
  expect(links.unsubscribePath({ userId, rooms })).toBe(path);
  expect(links.unsubscription(tokenIn(path))).toEqual({ userId, rooms });
  expect(links.fileLink(tokenIn(links.filePath(file)), file.until)).toEqual(file);
  expect(links.fileLink(tokenIn(links.filePath(file)), file.until + 1)).toBe(null);
});

it('cannot be made up, changed, or used for something else', async () => {
  const links = await openSignedLinks(memoryPlatform().keys);
  const token = tokenIn(links.unsubscribePath({ userId, rooms }));
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === 'A' ? 'B' : 'A';
    expect(links.unsubscription(`${token.slice(0, at)}${other}${token.slice(at + 1)}`)).toBe(null);
  }
  for (const wrong of ['', 'a', token.slice(1), token.slice(0, -1), `${token}A`, `${token}=`])
    expect(links.unsubscription(wrong)).toBe(null);
  expect(links.unsubscription(tokenIn(links.filePath(file)))).toBe(null);
  const others = await openSignedLinks(memoryPlatform().keys);
  expect(others.unsubscription(token)).toBe(null);
});
