/** `POST /api/rooms/{roomId}/upload-img`: gives a group its picture. */
import type { ReceivedFile } from '@tidings/contracts/http/form';
import { uploadRoomImage } from '@tidings/contracts/http/media';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { room, roomKey } from '@tidings/domain/room/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { Images } from '@tidings/infra/images/images';
import type { FastifyInstance } from 'fastify';
import { createReadStream } from 'node:fs';
import { handleForm } from '../../../http-kit/src/form.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { writtenBefore } from '../../../http-kit/src/retry.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** ISM answers with names in its object store. Ours are not to be fetched there, but tell rooms apart just as well. */
const BUCKET = 'room-images';

export const registerRoomImage = (app: FastifyInstance, platform: Platform, images: Images): void => {
  handleForm(
    app,
    platform,
    uploadRoomImage,
    async ({ actor, params: { roomId }, body: received, context, retried, settle }) => {
      const done = await writtenBefore(platform, { context, retried }, room, roomKey(roomId));
      const command: Change = { type: 'ChangeRoomImage', roomId, by: actor.userId };
      await settle(done ?? (await change(platform, images, received, command, context)), ['media', 'rooms']);
      return { imageUrl: `${BUCKET}/${roomId}`, imageName: `${BUCKET}/${roomId}.jpeg` };
    },
    { idempotent: true },
  );
};

interface Change {
  readonly type: 'ChangeRoomImage';
  readonly roomId: RoomId;
  readonly by: UserId;
}

const change = async (
  { blobs, commands }: Platform,
  images: Images,
  received: ReceivedFile,
  command: Change,
  context: CommandContext,
): Promise<Position> => {
  // Whoever may not is told before anybody works for them.
  const { state } = await commands.load(room, roomKey(command.roomId));
  orReject(room.decide({ ...command, image: null }, state));
  const { path, mimeType } = await images.roomImage(received.path);
  const { id: blobId, size } = await blobs.put(createReadStream(path));
  const image = { blobId, size, mimeType };
  const changed = await appendAfter(blobs, blobId, () => commands.transact(room, roomKey(command.roomId), { ...command, image }, context));
  return orReject(changed).position;
};
