using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Dynamic resource claims and the GPUs and host devices that use them.</summary>
internal static class ResourceClaimRules
{
    public static IEnumerable<StatusCause> All(InstanceContext c)
    {
        var gpus = DeviceClaims(c, "gpus", "GPU", FeatureGates.GPUsWithDRA, mayMix: false,
            [.. (c.Devices.Gpus ?? []).Select(g => new Device(g.DeviceName, g.ClaimName, g.RequestName))]);
        var hostDevices = DeviceClaims(c, "hostDevices", "HostDevice", FeatureGates.HostDevicesWithDRA, mayMix: true,
            [.. (c.Devices.HostDevices ?? []).Select(d => new Device(d.DeviceName, d.ClaimName, d.RequestName))]);
        List<Requests> users =
        [
            new("GPUs", c.DevicesPath["gpus"], gpus.Requests), new("HostDevices", c.DevicesPath["hostDevices"], hostDevices.Requests),
            new("Networks", c.Path["networks"], NetworkRequests(c)),
        ];
        var claimed = gpus.Requests.Concat(hostDevices.Requests).Select(r => r.Key.Claim);
        var declared = (c.Spec.ResourceClaims ?? []).Select(r => r.Name.OrEmpty()).ToHashSet();
        return
        [
            .. Declarations(c), .. gpus.Causes, .. hostDevices.Causes, .. UsedTwice(users),
            .. claimed.All(declared.Contains)
                ? (IEnumerable<StatusCause>)[]
                : [Cause.Invalid(c.Path["resourceClaims"], "vmi.spec.resourceClaims must specify all claims used in vmi.spec.domain.devices.gpus and vmi.spec.domain.devices.hostDevices")],
        ];
    }

    private static IEnumerable<StatusCause> Declarations(InstanceContext c)
    {
        HashSet<string> names = [];
        foreach (var (index, claim) in (c.Spec.ResourceClaims ?? []).Index())
        {
            var field = c.Path["resourceClaims"][index];
            var name = claim.Name.OrEmpty();
            if (name.Length == 0)
                yield return Cause.Required(field["name"], $"{field["name"]} is a required field");
            else if (!names.Add(name))
                yield return Cause.Duplicate(field["name"], $"duplicate resourceClaims name \"{name}\"");
            else if (Names.DnsLabelProblems(name).ToList() is { Count: > 0 } problems)
                yield return Cause.Invalid(field["name"], $"{field["name"]} does not conform to the kubernetes DNS_LABEL rules: {string.Join(", ", problems)}");
            if (claim is { ResourceClaimName: not null, ResourceClaimTemplateName: not null })
                yield return Cause.Invalid(field, "at most one of resourceClaimName or resourceClaimTemplateName may be specified");
            if (claim is { ResourceClaimName: null, ResourceClaimTemplateName: null })
                yield return Cause.Invalid(field, "must specify one of: resourceClaimName, resourceClaimTemplateName");
            foreach (var problem in claim.ResourceClaimName is { } own ? Names.DnsSubdomainProblems(own) : [])
                yield return Cause.Invalid(field["resourceClaimName"], problem);
            foreach (var problem in claim.ResourceClaimTemplateName is { } template ? Names.DnsSubdomainProblems(template) : [])
                yield return Cause.Invalid(field["resourceClaimTemplateName"], problem);
        }
    }

    /// <param name="list">Name of the field that holds the devices.</param>
    /// <param name="kind">What one of them is called.</param>
    /// <param name="mayMix">Whether devices of plugins may stand beside claimed ones.</param>
    private static Claims DeviceClaims(InstanceContext c, string list, string kind, string gate, bool mayMix, IReadOnlyList<Device> devices)
    {
        var (field, where) = (c.DevicesPath[list], $"vmi.spec.domain.devices.{list}");
        var anyClaimed = devices.Any(d => d.IsClaimed);
        if (!mayMix && anyClaimed && !devices.All(d => d.IsClaimed))
            return Claims.Refused(Cause.Invalid(field, $"{where} contains both DRA and non-DRA {kind}s; each {kind} must be either DRA or non-DRA"));
        List<StatusCause> causes = [];
        foreach (var device in devices.Where(d => !d.IsClaimed))
        {
            if (device.Name.Length == 0)
                causes.Add(Cause.Required(field, $"{where} contains {kind}s without deviceName or claimRequest; each {kind} must specify either a deviceName or a claimRequest"));
            else if (device.HasClaim)
                causes.Add(Cause.Invalid(field, $"{where} contains {kind}s with both deviceName and claimRequest"));
        }

        if (anyClaimed && !c.IsEnabled(gate))
            return Claims.Refused([.. causes, Cause.Invalid(field, $"{where} contains DRA enabled {kind}s but feature gate is not enabled")]);
        Dictionary<Request, int> requests = [];
        foreach (var (index, device) in devices.Index().Where(d => d.Item.IsClaimed))
        {
            if (device.Request.Claim.Length == 0)
                causes.Add(Cause.Required(field[index]["claimName"], $"claimName is required for DRA {kind}"));
            if (device.Request.Name.Length == 0)
                causes.Add(Cause.Required(field[index]["requestName"], $"requestName is required for DRA {kind}"));
            if (device.Request.IsComplete && !requests.TryAdd(device.Request, index))
                causes.Add(Cause.Duplicate(field[index], $"duplicate claimName/requestName pair \"{device.Request}\""));
        }

        return new Claims(causes, requests);
    }

    private static Dictionary<Request, int> NetworkRequests(InstanceContext c)
    {
        Dictionary<Request, int> requests = [];
        if (!c.IsEnabled(FeatureGates.NetworkDevicesWithDRA))
            return requests;
        foreach (var (index, network) in c.Networks.Index().Where(n => n.Item.ResourceClaim is not null))
        {
            var request = new Request(network.ResourceClaim!.ClaimName.OrEmpty(), network.ResourceClaim.RequestName.OrEmpty());
            if (request.IsComplete)
                requests.TryAdd(request, index);
        }

        return requests;
    }

    private static IEnumerable<StatusCause> UsedTwice(IEnumerable<Requests> users)
    {
        Dictionary<Request, (string Kind, int Index)> owners = [];
        foreach (var user in users)
        {
            foreach (var (request, index) in user.Indices.OrderBy(r => r.Value))
            {
                if (!owners.TryAdd(request, (user.Kind, index)))
                {
                    var owner = owners[request];
                    yield return Cause.Duplicate(user.Field[index], $"duplicate claimName/requestName pair \"{request}\" between {owner.Kind}[{owner.Index}] and {user.Kind}[{index}]");
                }
            }
        }
    }

    private readonly record struct Request(string Claim, string Name)
    {
        public bool IsComplete => Claim.Length > 0 && Name.Length > 0;
        public override string ToString() => $"{Claim}/{Name}";
    }

    private sealed record Device(string? DeviceName, string? ClaimName, string? RequestName)
    {
        public string Name => DeviceName.OrEmpty();
        public Request Request => new(ClaimName.OrEmpty(), RequestName.OrEmpty());
        /// <summary>Empty names are names as well, and one too few.</summary>
        public bool HasClaim => ClaimName is not null || RequestName is not null;
        public bool IsClaimed => Name.Length == 0 && HasClaim;
    }

    private sealed record Requests(string Kind, FieldPath Field, Dictionary<Request, int> Indices);

    /// <param name="Requests">Complete claim requests and the index of the first device that makes each.</param>
    private sealed record Claims(IReadOnlyList<StatusCause> Causes, Dictionary<Request, int> Requests)
    {
        public static Claims Refused(params IReadOnlyList<StatusCause> causes) => new(causes, []);
    }
}
