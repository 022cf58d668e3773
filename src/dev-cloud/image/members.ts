import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ImageService, OfImage } from './access.ts';
import { visibleImage } from './access.ts';
import { ImageFault } from './fault.ts';
import type { ImageRow, MemberRow } from './rows.ts';
import { timestamp } from './rows.ts';
import { memberView } from './view.ts';
import { isMutable, membership } from './visibility.ts';

type OfMember = { Params: { id: string; member: string } };

/** `/v2/images/{id}/members`: the owner adds and removes projects, the project itself accepts or rejects. */
export function memberRoutes(app: FastifyInstance, service: ImageService): void {
  const { tables } = service;

  function sharedImage(request: FastifyRequest<OfImage>, refusal: string): ImageRow {
    const image = visibleImage(service, request);
    if (image.visibility !== 'shared') throw new ImageFault(403, refusal);
    return image;
  }

  function find(request: FastifyRequest<OfMember>, image: ImageRow): MemberRow {
    const { projectId } = service.userOf(request);
    const member = membership(tables, image.id, request.params.member);
    if (!member || !(isMutable(image, service.userOf(request)) || member.member_id === projectId)) {
      throw new ImageFault(404, `${request.params.member} not found in the member list of the image ${image.id}.`);
    }
    return member;
  }

  app.post<OfImage & { Body: { member?: unknown } }>('/v2/images/:id/members', async (request) => {
    const projectId = request.body?.member;
    if (projectId === undefined) throw new ImageFault(400, 'Member to be added not specified');
    if (typeof projectId !== 'string' || projectId === '') throw new ImageFault(400, "Member can't be empty");
    const refusal = `Not allowed to create members for image ${request.params.id}.`;
    const image = sharedImage(request, refusal);
    if (!isMutable(image, service.userOf(request))) throw new ImageFault(403, refusal);
    if (membership(tables, image.id, projectId)) {
      throw new ImageFault(409, `Member ${projectId} is duplicated for image ${image.id}`);
    }
    const now = timestamp();
    const id = `${image.id}/${projectId}`;
    const member: MemberRow = {
      id,
      member_id: projectId,
      image_id: image.id,
      status: 'pending',
      created_at: now,
      updated_at: now,
    };
    tables.members.put(member);
    return memberView(member);
  });

  app.get<OfImage>('/v2/images/:id/members', async (request) => {
    const refusal = `Not allowed to list members for image ${request.params.id}: Only shared images have members.`;
    const image = sharedImage(request, refusal);
    const { projectId } = service.userOf(request);
    const all = isMutable(image, service.userOf(request));
    const members = tables.members
      .all()
      .filter((row) => row.image_id === image.id && (all || row.member_id === projectId));
    return { members: members.map(memberView), schema: '/v2/schemas/members' };
  });

  app.get<OfMember>('/v2/images/:id/members/:member', async (request) => {
    const image = visibleImage(service, request);
    if (image.visibility !== 'shared') throw new ImageFault(404, 'Only shared images have members.');
    return memberView(find(request, image));
  });

  app.put<OfMember & { Body: { status?: unknown } }>('/v2/images/:id/members/:member', async (request) => {
    const status = request.body?.status;
    if (status === undefined) throw new ImageFault(400, 'Status not specified');
    const refusal = `Not allowed to update members for image ${request.params.id}.`;
    const image = sharedImage(request, refusal);
    const user = service.userOf(request);
    const member = find(request, image);
    // The owner must not accept for the member.
    if (!user.isAdmin && member.member_id !== user.projectId) throw new ImageFault(403, refusal);
    if (status !== 'pending' && status !== 'accepted' && status !== 'rejected') {
      throw new ImageFault(400, 'Incorrect request: Status must be "pending", "accepted" or "rejected".');
    }
    const changed: MemberRow = { ...member, status, updated_at: timestamp() };
    tables.members.put(changed);
    return memberView(changed);
  });

  app.delete<OfMember>('/v2/images/:id/members/:member', async (request, reply) => {
    const refusal = `Not allowed to delete members for image ${request.params.id}.`;
    const image = sharedImage(request, refusal);
    const member = find(request, image);
    if (!isMutable(image, service.userOf(request))) throw new ImageFault(403, refusal);
    tables.members.delete(member.id);
    return reply.code(204).send();
  });
}
