/** The header of a mail that comes as a stream. */
import { bodyStart } from '@tidings/infra/mime/head';

/** More is no header that anybody wrote. */
const MOST_BYTES = 256 * 1024;

/** Up to its empty line. Reads no further. */
export const headOf = async (bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  let read: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    read = Buffer.concat([read, chunk]);
    if (bodyStart(read) < read.byteLength || read.byteLength >= MOST_BYTES) break;
  }
  return read.subarray(0, bodyStart(read));
};
