using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Troupe.Launcher.Converter;
using Troupe.Launcher.HostDevices;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Tests.Parity;

/// <summary>How far Troupe's domains are KubeVirt's: <c>./dev parity</c> prints it.</summary>
internal sealed class DomainParity
{
    private readonly SortedDictionary<string, (int Count, string Example)> _differences = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _accepted = new(StringComparer.Ordinal);

    public int Cases { get; private set; }

    /// <summary>The same in every element, or both an error.</summary>
    public int Equal { get; private set; }

    /// <summary>Different only in what <see cref="OwnWays"/> lists.</summary>
    public int EqualButForOwnWays { get; private set; }
    public int Elements { get; private set; }
    public int EqualElements { get; private set; }

    public static DomainParity Run(Func<VirtualMachineInstance, VirtualMachineInstance>? defaults = null)
    {
        var parity = new DomainParity();
        foreach (var recorded in DomainCase.Read())
            parity.Compare(recorded, (defaults ?? AdmissionDefaults.Apply)(recorded.Vmi));
        return parity;
    }

    public string Report()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Domain XML: {Cases} cases, {Share(Equal, Cases)} equal, {Share(EqualButForOwnWays, Cases)} equal but for Troupe's own ways; {Share(EqualElements, Elements)} of {Elements} elements equal");
        foreach (var (name, count) in _accepted)
            text.AppendLine(CultureInfo.InvariantCulture, $"  own way, {count} cases: {name}");
        foreach (var (path, (count, example)) in _differences)
            text.AppendLine(CultureInfo.InvariantCulture, $"  different, {count} times: {path} (such as {example})");
        return text.ToString();
    }

    private static string Share(int part, int whole) => string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / Math.Max(1, whole):0.0} %");

    private void Compare(DomainCase recorded, VirtualMachineInstance vmi)
    {
        Cases++;
        XElement? ours = null;
        UnsupportedSpecException? refused = null;
        try
        {
            ours = Build(vmi);
        }
        catch (UnsupportedSpecException e)
        {
            refused = e;
        }

        if (recorded.Domain is null || ours is null)
        {
            Judge(recorded, ours, refused);
            return;
        }

        var (theirs, mine) = (DomainFacts.Of(XElement.Parse(recorded.Domain)), DomainFacts.Of(ours));
        var missing = theirs.Except(mine).ToList();
        var extra = mine.Except(theirs).ToList();
        Elements += theirs.Count;
        EqualElements += theirs.Count - missing.Count;
        Equal += missing.Count + extra.Count == 0 ? 1 : 0;
        var ways = OwnWays.Of(missing, extra);
        EqualButForOwnWays += ways.Unexplained.Count == 0 ? 1 : 0;
        foreach (var way in ways.Names)
            _accepted[way] = _accepted.GetValueOrDefault(way) + 1;
        foreach (var fact in ways.Unexplained)
            Note(fact.IsMissing ? $"missing {fact.Fact.Path}" : $"extra {fact.Fact.Path}", $"{recorded.File} {recorded.Mutation}: {fact.Fact.Value}");
    }

    private void Judge(DomainCase recorded, XElement? ours, UnsupportedSpecException? refused)
    {
        if (recorded.Domain is null && ours is null)
        {
            Equal++;
            EqualButForOwnWays++;
        }
        else if (refused?.Field == "spec.domain.memory.guest")
        {
            EqualButForOwnWays++;
            _accepted[OwnWays.NoMemory] = _accepted.GetValueOrDefault(OwnWays.NoMemory) + 1;
        }
        else
        {
            Note(ours is null ? "refused by Troupe alone" : "refused by KubeVirt alone", $"{recorded.File} {recorded.Mutation}: {refused?.Message ?? recorded.Error}");
        }
    }

    private void Note(string what, string example) => _differences[what] = _differences.TryGetValue(what, out var known) ? (known.Count + 1, known.Example) : (1, example);

    private static XElement Build(VirtualMachineInstance vmi)
    {
        var spec = vmi.Spec!;
        var interfaces = (spec.Domain!.Devices!.Interfaces ?? []).Select(i => new PreparedInterface(i.Name!, "tap0", "k6t-eth0", i.MacAddress ?? "02:00:00:00:00:01", 1500, "10.0.2.2/24", "10.0.2.1", [], [], null, []));
        // KubeVirt assigns SR-IOV functions and claimed devices after the conversion; those of device plugins within it.
        var devices = HostDeviceAssigner.Assign(spec, new Dictionary<string, string>());
        var targets = DiskTargets.Of(spec.Domain);
        var disks = (spec.Volumes ?? []).Where(v => targets.ContainsKey(v.Name!)).Select((v, _) => RecordedDisks.Prepared(vmi, v, targets[v.Name!])).ToList();
        return DomainXml.Build(new DomainSource(vmi, new LaunchContext(false, [.. interfaces]), disks, devices, RecordedDisks.Host));
    }
}
