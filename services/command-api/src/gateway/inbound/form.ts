/** Forms that bring mail, of either kind (multipart/form-data, application/x-www-form-urlencoded), from the bytes that were signed. */
import { invalid } from '../../../../http-kit/src/errors.ts';
import type { File } from './delivery.ts';
import type { InboundRequest } from './door.ts';

export interface InboundForm {
  readonly field: (name: string) => string | null;
  readonly files: () => Promise<readonly File[]>;
}

export const FORMS = /^(multipart\/form-data|application\/x-www-form-urlencoded)\b/i;

/** @throws ApiError 400 */
export const formIn = async ({ body, contentType }: Pick<InboundRequest, 'body' | 'contentType'>): Promise<InboundForm> => {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData().catch(() => {
    throw invalid([{ path: '', message: 'must be a form' }]);
  });
  return {
    field: (name) => {
      const value = form.get(name);
      return typeof value === 'string' ? value : null;
    },
    files: async () => {
      const found = [...form.values()].filter((value) => typeof value !== 'string');
      return Promise.all(
        found.map(async (file) => ({
          ...{ filename: file.name === '' ? null : file.name, contentType: file.type === '' ? null : file.type },
          content: Buffer.from(await file.arrayBuffer()),
        })),
      );
    },
  };
};
