import { describe, expect, it } from 'vitest';
import { derivedId, type BlobId, type MediaId, type RoomId } from '../ids.ts';
import { mediaIdIn, mediaPath, mediaTypeOf, roomImagePath } from './media.ts';

const id = derivedId<MediaId>('cat');

describe('the address of a file', () => {
  it.each([
    [mediaPath(id), id],
    [`https://chat.example${mediaPath(id)}`, id],
    [`http://[::1]:8080${mediaPath(id)}`, id],
    [`/api/media/${id.toUpperCase()}`, id],
    [`${mediaPath(id)}/`, null],
    [`${mediaPath(id)}?v=1`, null],
    [`https://chat.example/elsewhere${mediaPath(id)}`, null],
    [`javascript:${mediaPath(id)}`, null],
    ['/api/media/not-an-id', null],
    ['/a.png', null],
  ])('%s', (url, found) => {
    expect(mediaIdIn(url)).toBe(found);
  });
});

it('the address of a room’s picture changes with the picture', () => {
  const room = derivedId<RoomId>('room');
  expect(roomImagePath(room, 'ab'.repeat(32) as BlobId)).toBe(`/api/rooms/${room}/image?v=abababababababab`);
});

it.each([
  ['image/webp', 'IMAGE'],
  ['video/mp4', 'VIDEO'],
  ['audio/ogg', 'AUDIO'],
  ['application/pdf', 'FILE'],
])('%s is %s', (mimeType, mediaType) => {
  expect(mediaTypeOf(mimeType)).toBe(mediaType);
});
