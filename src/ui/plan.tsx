import { formatSpan, plural } from './format.ts';
import { Facts, Id, Name, Table } from './parts.tsx';
import { linkTo } from './state.ts';
import type { Plan } from './wire.ts';

/** What a release would do: which load balancers move when and what they see of it, which are left out, how long it may take. */
export function PlanShown({ of: plan }: { of: Plan }) {
  const pairs = plan.waves.reduce((sum, wave) => sum + wave.pairs, 0);
  const leftOut = plan.skipped.reduce((sum, skip) => sum + skip.load_balancers, 0);
  return (
    <section aria-label="Plan">
      <h3>The plan</h3>
      <Facts
        rows={[
          ['Image', <Name key="i">{plan.image.name}</Name>],
          ['Tag', <Name key="t">{plan.tag}</Name>],
          ['To move', plural(plan.load_balancers, 'load balancer')],
          ['Left out', plural(leftOut, 'load balancer')],
          ['May take', formatSpan(plan.expected_seconds)],
          ['Tried first', `in ${plural(plan.probes.length, 'place')} (flavor and zone)`],
        ]}
      />
      {plan.load_balancers === 0 ? (
        <p class="card">There is nothing to do: no load balancer of this tag would be moved.</p>
      ) : (
        <>
          <Sees singles={plan.load_balancers - pairs} pairs={pairs} moveSeconds={plan.expected_move_seconds} />
          <Table label="Waves of the plan" head={['Wave', 'Load balancers', 'Pairs', 'May take']}>
            {plan.waves.map((wave) => (
              <tr key={wave.wave}>
                <td>{wave.wave === 0 ? 'canary' : wave.wave}</td>
                <td class="number">{wave.load_balancers}</td>
                <td class="number">{wave.pairs}</td>
                <td class="number">{formatSpan(wave.seconds)}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {plan.skipped.length > 0 && (
        <Table label="Left out" head={['Left out', 'Why', 'Such as']}>
          {plan.skipped.map((skip) => (
            <tr key={skip.reason}>
              <td class="number">{skip.load_balancers}</td>
              <td>{skip.reason}</td>
              <td>
                {skip.examples.map((id) => (
                  <p key={id}>
                    <a href={linkTo('load-balancers', id)}>
                      <Id>{id}</Id>
                    </a>
                  </p>
                ))}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <p class="quiet">
        Plan <Id>{plan.digest}</Id>. Nothing was changed.
      </p>
    </section>
  );
}

/** What those who use a load balancer notice. */
function Sees({ singles, pairs, moveSeconds }: { singles: number; pairs: number; moveSeconds: number }) {
  return (
    <ul class="items">
      {singles > 0 && (
        <li>
          <strong>{singles.toLocaleString()} with one amphora</strong>: a new amphora is built beside the old one (a
          failover takes {formatSpan(moveSeconds)} here); then the address moves to it. For these seconds it answers
          nothing, and connections that are open break off. The status is PENDING_UPDATE meanwhile.
        </li>
      )}
      {pairs > 0 && (
        <li>
          <strong>{plural(pairs, 'pair')}</strong>: first the BACKUP is replaced, unnoticed; then the MASTER, and the
          other one takes the address over: connections that are open break off, new ones are answered at once. The
          status is PENDING_UPDATE meanwhile.
        </li>
      )}
    </ul>
  );
}
