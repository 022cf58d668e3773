import { KilnError } from '../../model/errors.ts';
import type { Change } from '../../ports/load-balancer-store.ts';
import { isDuplicate } from './faults.ts';
import type { KilnDatabase } from './schema.ts';

/**
 * A port that a user brought as the VIP of a new load balancer is this load balancer's, until that is deleted.
 * @throws RESOURCE_CONFLICT when it is another one's: both would answer at one address.
 */
export async function claimVipPort(transaction: KilnDatabase, { rows, loadBalancerId }: Change): Promise<void> {
  for (const row of rows) {
    if (row.kind !== 'loadbalancer' || !('put' in row) || row.put.vip.octaviaOwned || !row.put.vip.portId) continue;
    const { portId } = row.put.vip;
    // An older version of Kiln deletes load balancers and leaves their claims.
    await transaction
      .deleteFrom('kiln_vip_port')
      .where('port_id', '=', portId)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(selectFrom('kiln_load_balancer').select('id').whereRef('id', '=', 'kiln_vip_port.load_balancer_id')),
        ),
      )
      .execute();
    try {
      await transaction
        .insertInto('kiln_vip_port')
        .values({ port_id: portId, load_balancer_id: loadBalancerId })
        .execute();
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      const message = `Port ${portId} is already used as the VIP of another load balancer.`;
      throw new KilnError('RESOURCE_CONFLICT', message, { cause: error });
    }
  }
}

/** Load balancers that are deleted use their ports no longer. */
export async function releaseVipPorts(transaction: KilnDatabase, loadBalancerIds: readonly string[]): Promise<void> {
  await transaction.deleteFrom('kiln_vip_port').where('load_balancer_id', 'in', loadBalancerIds).execute();
}
