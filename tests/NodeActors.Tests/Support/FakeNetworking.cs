using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Networking;

namespace Troupe.NodeActors.Tests.Support;

internal sealed class FakeNetworking : IPodNetworking
{
    /// <summary>Thrown by the next calls, in turn.</summary>
    public Queue<Exception> Failures { get; } = new();

    public Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, PodFacts pod, CancellationToken ct) =>
        Failures.TryDequeue(out var failure) ? Task.FromException<IReadOnlyList<PreparedInterface>>(failure) : Task.FromResult<IReadOnlyList<PreparedInterface>>([]);

    public Task TidyAsync(int launcherPid, VirtualMachineInstance vmi, CancellationToken ct) => Task.CompletedTask;
}
