/** Sends who may read large bytes to where they lie, where that hands them out by itself (docs/decisions/065). */
import type { BlobStore, Download } from '@tidings/contracts/ports/blob-store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Bytes, bytes } from '../../http-kit/src/ctx.ts';
import { downloadHeaders } from './mail/download.ts';

/** @param file its `type` is one that no browser executes. @returns null: it is ours to send */
export const elsewhere = async (
  blobs: BlobStore,
  request: FastifyRequest,
  reply: FastifyReply,
  { name, ...file }: Omit<Download, 'disposition'> & { readonly name: string },
): Promise<Bytes | null> => {
  if (request.method === 'HEAD') return null; // a link is for one method, and there are no bytes to spare
  // Always saved: what else we say against showing it (a policy, nosniff) the place cannot say for us.
  const link = await blobs.link({ ...file, disposition: downloadHeaders(name)['content-disposition'] });
  if (link === null) return null;
  void reply.code(302).headers({ location: link.href, 'cache-control': 'no-store' });
  return bytes('', 'text/plain');
};
