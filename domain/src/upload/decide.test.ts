import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, mailboxNo } from '../testing/people.ts';
import { blobUploaded, uploadForgotten } from './events.ts';
import { upload } from './index.ts';

const given = specify(upload);
const where = { mailboxId: mailboxNo(1), blobId: blobNo(1) };
const put = { type: 'UploadBlob', ...where, size: 3, mimeType: 'text/plain', name: 'a.txt', by: alice } as const;
const uploaded = blobUploaded({ ...where, size: 3, type: 'text/plain', name: 'a.txt', by: alice });
const forgotten = uploadForgotten(where);

it('an upload is there once, until it is forgotten', () => {
  given().when(put).then(uploaded);
  given(uploaded).when(put).thenNothing();
  given(uploaded)
    .when({ type: 'ForgetUpload', ...where })
    .then(forgotten);
  given(uploaded, forgotten)
    .when({ type: 'ForgetUpload', ...where })
    .thenNothing();
  given(uploaded, forgotten).when(put).then(uploaded);
});
