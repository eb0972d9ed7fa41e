using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// VSOCK context ids, each one guest's in the whole cluster: a guest takes its own along when it moves. Held by the feeds, which know every VMI;
/// what they gave and no object says yet is forgotten with them, and meeting it again by chance is one in four thousand million.
/// </summary>
internal sealed class ContextIds
{
    /// <summary>0 to 2 are the hypervisor, the local host and the host.</summary>
    public const long First = 3;

    /// <summary>The last one means "any".</summary>
    public const long Last = uint.MaxValue - 1;

    private readonly Dictionary<string, long> _byVmi = [];
    private readonly Func<long> _draw;

    /// <param name="draw">A number from <see cref="First"/> to <see cref="Last"/>.</param>
    public ContextIds(Func<long>? draw = null) => _draw = draw ?? (() => Random.Shared.NextInt64(First, Last + 1));

    public static bool IsWanted(VirtualMachineInstance vmi) => vmi.Spec?.Domain?.Devices?.AutoattachVSOCK is true;

    /// <summary>Takes note of what an object says.</summary>
    public void See(VirtualMachineInstance vmi)
    {
        if (vmi.Status?.VSOCKCID is { } id)
            _byVmi[vmi.Metadata.Uid!] = id;
    }

    /// <summary>The same for whoever asks again.</summary>
    public long For(string vmiUid)
    {
        if (_byVmi.TryGetValue(vmiUid, out var known))
            return known;
        long id;
        do
            id = _draw();
        while (_byVmi.ContainsValue(id));
        return _byVmi[vmiUid] = id;
    }

    public void Release(string vmiUid) => _byVmi.Remove(vmiUid);
}
