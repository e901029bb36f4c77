import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, mediaNo } from '../testing/people.ts';
import { mediaUploaded } from './events.ts';
import { media } from './index.ts';

const given = specify(media);
const file = {
  mediaId: mediaNo(1),
  uploadedBy: alice,
  blobId: blobNo(1),
  mimeType: 'image/webp',
  size: 42,
  width: 6,
  height: 7,
  name: 'a.webp',
};
const upload = { type: 'UploadMedia', ...file } as const;

it('a file is uploaded once', () => {
  given().when(upload).then(mediaUploaded(file));
  given(mediaUploaded(file)).when(upload).thenNothing();
  given(mediaUploaded(file))
    .when({ ...upload, blobId: blobNo(2) })
    .thenRejected({ type: 'MediaIdReused' });
  given(mediaUploaded(file))
    .when({ ...upload, uploadedBy: bob })
    .thenRejected({ type: 'MediaIdReused' });
});
