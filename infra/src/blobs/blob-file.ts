/**
 * A blob as a file: a header (`TDNG`, version, level of zstd, id of the key, size, the value's own key sealed with that one), then pieces of
 * `CHUNK_BYTES` as frames (length, packing, data). Lengths in front let a reader jump to the piece it wants.
 */
import type { FileHandle } from 'node:fs/promises';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { SEALED_KEY_BYTES } from './cipher.ts';
import { type BlobFormat, type BlobKeys, NO_KEY } from './format.ts';
import { blobIdOf, CHUNK_BYTES, type Intake } from './intake.ts';
import { type Packing, packerFor, PLAIN, unpackerFor, ZSTD } from './packing.ts';

const MAGIC = Buffer.from('TDNG');
const VERSION = 1;
const KEY_AT = 16;
const HEADER_BYTES = KEY_AT + SEALED_KEY_BYTES;
const FRAME_BYTES = 5;
/** What a piece may grow by: a seal, and zstd never makes it larger. */
const MAX_FRAME = CHUNK_BYTES + 64;

export interface BlobFileHeader {
  readonly level: number;
  readonly keyId: number;
  readonly size: number;
  readonly sealedKey: Buffer;
}

/** Durable when it resolves. */
export const writeBlobFile = async (file: FileHandle, intake: Intake, format: BlobFormat): Promise<StoredBlob> => {
  const packer = packerFor(format);
  await file.write(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
  let at = HEADER_BYTES;
  for await (const chunk of intake.type === 'large' ? intake.chunks : intake.bytes.byteLength === 0 ? [] : [intake.bytes]) {
    const { packing, data } = await packer.pack(chunk);
    const frame = Buffer.allocUnsafe(FRAME_BYTES + data.byteLength);
    frame.writeUInt32BE(data.byteLength, 0);
    frame.writeUInt8(packing, 4);
    frame.set(data, FRAME_BYTES);
    await writeAll(file, frame, at);
    at += frame.byteLength;
  }
  const stored = intake.type === 'large' ? intake.measured() : { id: blobIdOf(intake.bytes), size: intake.bytes.byteLength };
  await writeAll(file, headerOf(format, stored, packer.sealedKey(stored.id)), 0);
  await file.sync();
  return stored;
};

const writeAll = async (file: FileHandle, bytes: Buffer, at: number): Promise<void> => {
  for (let done = 0; done < bytes.byteLength;) {
    done += (await file.write(bytes, done, bytes.byteLength - done, at + done)).bytesWritten;
  }
};

const headerOf = ({ level, keys }: BlobFormat, { size }: StoredBlob, sealedKey: Buffer | null): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set(MAGIC);
  header.writeUInt8(VERSION, 4);
  header.writeUInt8(level, 5);
  header.writeUInt16BE(keys.active, 6);
  header.writeBigUInt64BE(BigInt(size), 8);
  if (sealedKey !== null) header.set(sealedKey, KEY_AT);
  return header;
};

/** @throws BlobDamaged */
export const readHeader = async (file: FileHandle, id: BlobId): Promise<BlobFileHeader> => {
  const header = await exactly(file, HEADER_BYTES, 0, id);
  if (!header.subarray(0, 4).equals(MAGIC) || header[4] !== VERSION) throw new BlobDamaged(`the file of blob ${id} is not one of ours`);
  return {
    level: header.readUInt8(5),
    keyId: header.readUInt16BE(6),
    size: Number(header.readBigUInt64BE(8)),
    sealedKey: header.subarray(KEY_AT),
  };
};

/** The pieces from the one with byte `from` on. @throws BlobDamaged, BlobStoreUnavailable when the key is not at hand */
export async function* readPieces(file: FileHandle, id: BlobId, header: BlobFileHeader, keys: BlobKeys, from = 0): AsyncGenerator<Buffer> {
  const unpack = unpackerFor(id, header.keyId, header.keyId === NO_KEY ? null : header.sealedKey, keys);
  const first = Math.floor(from / CHUNK_BYTES);
  let at = HEADER_BYTES;
  for (let seq = 0; seq < Math.ceil(header.size / CHUNK_BYTES); seq += 1) {
    const frame = await exactly(file, FRAME_BYTES, at, id);
    const length = frame.readUInt32BE(0);
    if (length > MAX_FRAME) throw new BlobDamaged(`blob ${id} has a frame of ${length} bytes`);
    if (seq >= first)
      yield unpack(seq, { packing: packingOf(frame.readUInt8(4), id), data: await exactly(file, length, at + FRAME_BYTES, id) });
    at += FRAME_BYTES + length;
  }
}

const packingOf = (value: number, id: BlobId): Packing => {
  if (value === PLAIN || value === ZSTD) return value;
  throw new BlobDamaged(`blob ${id} is packed in an unknown way`);
};

const exactly = async (file: FileHandle, length: number, at: number, id: BlobId): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new BlobDamaged(`the file of blob ${id} ends too early`);
    done += bytesRead;
  }
  return bytes;
};
