/** Files and pictures (chat-contract §1.4, §6): what is uploaded, and who may fetch it again. */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { type BlobId, MediaId, RoomId } from '../ids.ts';
import { FileForm } from './form.ts';
import { defineRoute, type Route } from './route.ts';

const MIB = 1024 * 1024;
export const MAX_ROOM_IMAGE_BYTES = 5 * MIB;
export const MAX_MEDIA_BYTES = 25 * MIB;

/** What a file is good for; by its content, not by its name. */
export const MediaType = oneOf('IMAGE', 'VIDEO', 'AUDIO', 'FILE');
export type MediaType = t.TypeOf<typeof MediaType>;

/** Send `mediaUrl`, `mediaType` and `mimeType` in the `msgBody` of a message: who can see the message can fetch the file. */
export const Media = t.readonly(
  t.type({
    mediaId: MediaId,
    mediaUrl: t.string,
    mediaType: MediaType,
    mimeType: t.string,
    size: int(0),
    /** Of pictures. */
    width: nullable(int(1)),
    height: nullable(int(1)),
  }),
);
export type Media = t.TypeOf<typeof Media>;

/** ISM's answer: names within its object store. The picture itself is at `roomImageUrl` of the room. */
export const Upload = t.readonly(t.type({ imageUrl: t.string, imageName: t.string }));
export type Upload = t.TypeOf<typeof Upload>;

export const mediaTypeOf = (mimeType: string): MediaType => {
  switch (mimeType.slice(0, mimeType.indexOf('/'))) {
    case 'image':
      return 'IMAGE';
    case 'video':
      return 'VIDEO';
    case 'audio':
      return 'AUDIO';
    default:
      return 'FILE';
  }
};

export const mediaPath = (id: MediaId): string => `/api/media/${id}`;

/** Which of our files a message points to, with or without an origin before the path. Null for what lies elsewhere. */
export const mediaIdIn = (url: string): MediaId | null => {
  const [, id] = /^(?:https?:\/\/[^/?#]+)?\/api\/media\/([0-9a-fA-F-]{36})$/.exec(url) ?? [];
  return MediaId.is(id) ? (id.toLowerCase() as MediaId) : null; // still the same id
};

/** `roomImageUrl`: another picture has another address, so that no cache shows the old one. */
export const roomImagePath = (room: RoomId, blob: BlobId): string => `/api/rooms/${room}/image?v=${blob.slice(0, 16)}`;

const roomParams = t.readonly(t.type({ roomId: RoomId }));

export const uploadRoomImage = defineRoute({
  id: 'uploadRoomImage',
  method: 'POST',
  path: '/api/rooms/{roomId}/upload-img',
  tag: 'Rooms',
  summary:
    'Gives a group its picture, at most 5 MiB: JPEG, PNG, WebP, GIF or AVIF of at most 50 million pixels. It becomes a JPEG of 500×500 cut from the middle (smaller ones stay whole), without its metadata. Any member may.',
  params: roomParams,
  body: new FileForm('image', MAX_ROOM_IMAGE_BYTES, 400),
  response: Upload,
  errors: [403, 422],
});

export const getRoomImage = defineRoute({
  id: 'getRoomImage',
  method: 'GET',
  path: '/api/rooms/{roomId}/image',
  tag: 'Rooms',
  summary: "A room's picture, for its members. `If-None-Match` is answered 304.",
  params: roomParams,
  /** The version in `roomImageUrl`; the picture there is now is answered whatever it says. */
  query: t.partial({ v: t.string }),
  response: t.unknown,
  produces: 'binary',
  errors: [404],
});

export const uploadMedia = defineRoute({
  id: 'uploadMedia',
  method: 'POST',
  path: '/api/media',
  tag: 'Media',
  summary:
    'Uploads a file of at most 25 MiB. Pictures (JPEG, PNG, WebP, GIF, AVIF of at most 50 million pixels) are encoded anew without their metadata, others are refused; all other files are kept as they are.',
  body: new FileForm('file', MAX_MEDIA_BYTES, 413),
  response: Media,
  errors: [422],
});

export const getMedia = defineRoute({
  id: 'getMedia',
  method: 'GET',
  path: '/api/media/{mediaId}',
  tag: 'Media',
  summary:
    'A file, for who uploaded it and for who can see a message with its `mediaUrl`. `Range` is answered 206, `If-None-Match` 304. All but pictures come as attachments.',
  params: t.readonly(t.type({ mediaId: MediaId })),
  response: t.unknown,
  produces: 'binary',
  mayRedirect: true,
  errors: [404, 416],
});

export const mediaRoutes: readonly Route[] = [uploadRoomImage, getRoomImage, uploadMedia, getMedia];
