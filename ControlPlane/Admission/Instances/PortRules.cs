using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Ports and port ranges that an interface on the pod network forwards.</summary>
internal static class PortRules
{
    private const int MaxRanges = 10;
    private const string UnknownProtocol = "Unknown protocol, only TCP or UDP allowed";

    public static IEnumerable<StatusCause> Of(InstanceContext c, FieldPath nicField, Interface nic, Network? network)
    {
        var onPodNetwork = network?.Pod is not null;
        IEnumerable<StatusCause> ports = onPodNetwork ? Ports(nicField["ports"], nic.Ports ?? []) : [];
        if (nic.PortRanges is null)
            return ports;
        if (!c.IsEnabled(FeatureGates.PortRangesSpec))
            return [.. ports, Cause.Invalid(nicField["name"], "portRanges is specified on interface but the PortRangesSpec feature gate is not enabled")];
        return onPodNetwork ? [.. ports, .. Ranges(nicField, nic, nic.PortRanges)] : ports;
    }

    private static IEnumerable<StatusCause> Ports(FieldPath field, IReadOnlyList<Port> ports)
    {
        HashSet<string> names = [];
        foreach (var (index, port) in ports.Index().Where(p => p.Item.Name is { Length: > 0 }))
        {
            if (!names.Add(port.Name!))
                yield return Cause.Duplicate(field[index]["name"], $"Duplicate name of the port: {port.Name}");
            if (!Names.IsPortName(port.Name!))
                yield return Cause.Invalid(field[index]["name"], $"Invalid name of the port: {port.Name}");
        }

        foreach (var (index, port) in ports.Index())
        {
            if (port.PortValue is null or 0)
                yield return Cause.Required(field[index]["port"], "Port field is mandatory.");
            if (port.PortValue is < 0 or >= 65536)
                yield return Cause.Invalid(field[index]["port"], "Port field must be in range 0 < x < 65536.");
            if (port.Protocol is not (null or "" or "TCP" or "UDP"))
                yield return Cause.Invalid(field[index]["protocol"], UnknownProtocol);
        }
    }

    private static IEnumerable<StatusCause> Ranges(FieldPath nicField, Interface nic, IReadOnlyList<PortRange> ranges)
    {
        var field = nicField["portRanges"];
        if (nic.Ports is not null)
            yield return Cause.Invalid(nicField["name"], "Cannot define both ports and portRanges on interface");
        if (nic.Masquerade is null)
            yield return Cause.Invalid(nicField["name"], "portRanges are only supported on masquerade interfaces");
        if (ranges.Count > MaxRanges)
        {
            yield return Cause.Invalid(field, "No more than 10 portRanges are allowed");
            yield break;
        }

        List<(string Protocol, int Start, int End)> good = [];
        foreach (var (index, range) in ranges.Index())
        {
            if (Problem(field[index], range) is { } problem)
                yield return problem;
            else
                good.Add((range.Protocol!, range.Start!.Value, range.End!.Value));
        }

        foreach (var protocol in good.GroupBy(r => r.Protocol))
        {
            var sorted = protocol.OrderBy(r => r.Start).ThenBy(r => r.End).ToList();
            foreach (var (before, after) in sorted.Zip(sorted.Skip(1)).Where(p => p.Item2.Start <= p.Item1.End))
                yield return Cause.Invalid(field, $"{protocol.Key} portRanges [{before.Start}-{before.End}] and [{after.Start}-{after.End}] overlap");
        }
    }

    private static StatusCause? Problem(FieldPath field, PortRange range) => range switch
    {
        { Protocol: not ("TCP" or "UDP") } => Cause.Invalid(field["protocol"], UnknownProtocol),
        { Start: null or <= 0 or >= 65536 } => Cause.Invalid(field["start"], "Start must be a valid port number, 0 < x < 65536"),
        { End: null or <= 0 or >= 65536 } => Cause.Invalid(field["end"], "End must be a valid port number, 0 < x < 65536"),
        _ when range.Start > range.End => Cause.Invalid(field["start"], "Start must be less than or equal to end"),
        _ => null,
    };
}
