using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>Akka's in-memory journal behind the fuse of the actor that writes.</summary>
internal sealed class FusedJournal : MemoryJournal
{
    /// <summary>By persistence id.</summary>
    public static ConcurrentDictionary<string, Fuse> Fuses { get; } = new();

    /// <summary>What was really written, by persistence id.</summary>
    public static ConcurrentDictionary<string, ImmutableList<IVmiEvent>> Written { get; } = new();

    public const string Config = """
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off
          persistence.journal { plugin = "fused" }
          persistence.snapshot-store.plugin = "akka.persistence.no-snapshot-store" }
        fused { class = "Troupe.ControlPlane.Tests.Vmi.Crash.FusedJournal, Troupe.ControlPlane.Tests", plugin-dispatcher = "akka.actor.default-dispatcher" }
        """;

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        IImmutableList<Exception>? failures = null;
        foreach (var write in messages)
        {
            var events = ((IImmutableList<IPersistentRepresentation>)write.Payload).Select(p => (IVmiEvent)p.Payload).ToList();
            Task<IImmutableList<Exception>>? writing = null;
            var heard = Fuses[write.PersistenceId].Pass($"journal {string.Join(" + ", events.Select(Name))}", () =>
            {
                writing = base.WriteMessagesAsync([write], cancellationToken);
                Written.AddOrUpdate(write.PersistenceId, [.. events], (_, before) => before.AddRange(events));
            });
            if (writing is not null)
                failures = await writing;
            // The actor of a dead process must not go on; a failed write stops it.
            if (!heard)
                throw new IOException("the process died");
        }

        return failures!;
    }

    private static string Name(IVmiEvent e) => e is PhaseEntered phase ? phase.Phase : e.GetType().Name;
}
