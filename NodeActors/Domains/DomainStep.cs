using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.NodeActors.Domains;

/// <summary>The one thing to do next for a domain.</summary>
public abstract record DomainStep
{
    public sealed record Connect(string PodUid) : DomainStep;

    public sealed record PrepareNetwork : DomainStep;

    /// <summary>For interfaces and volumes that a changed spec brings to the running guest.</summary>
    public sealed record PrepareUpdate(UpdateDomain Update) : DomainStep;

    /// <summary>Volumes that the guest has let go of.</summary>
    public sealed record Unmount(IReadOnlyList<string> Volumes) : DomainStep;

    public sealed record Ask(ILauncherRequest Request) : DomainStep;

    /// <summary>Press the button, and come back to it: again after the interval, and to destroy at the deadline.</summary>
    public sealed record Shutdown(DateTimeOffset Deadline) : DomainStep;

    public sealed record Forget : DomainStep;

    public sealed record Wait : DomainStep;
}
