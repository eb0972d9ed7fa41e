namespace Troupe.Launcher.Tests.Parity;

/// <summary>Where Troupe differs on purpose; <c>docs/parity-domain.md</c> gives the reasons.</summary>
internal static class OwnWays
{
    public const string NoMemory = "a spec without any memory is refused (admission refuses it as well); KubeVirt's converter makes a guest of 0 bytes";
    private const string MemoryHotplug = "memory that can grow has a slot and a NUMA cell, without which libvirt 9 plugs none in";

    public static (IReadOnlyList<string> Names, IReadOnlyList<(DomainFact Fact, bool IsMissing)> Unexplained) Of(IEnumerable<DomainFact> missing, IEnumerable<DomainFact> extra)
    {
        HashSet<string> names = [];
        List<(DomainFact, bool)> unexplained = [];
        foreach (var (fact, isMissing) in missing.Select(f => (f, true)).Concat(extra.Select(f => (f, false))))
        {
            if (NameOf(DomainFacts.Plain(fact.Path)) is { } name)
                names.Add(name);
            else
                unexplained.Add((fact, isMissing));
        }

        return ([.. names], unexplained);
    }

    private static string? NameOf(string path) => path is "/domain/maxMemory" or "/domain/cpu/numa" or "/domain/cpu/numa/cell" ? MemoryHotplug : null;
}
