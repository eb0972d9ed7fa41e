namespace Troupe.DevCluster.Nodes.Model;

public sealed record Service
{
    public ObjectMeta Metadata { get; init; } = new();
    public ServiceSpec Spec { get; init; } = new();
}

public sealed record ServiceSpec
{
    public string Type { get; init; } = "ClusterIP";
    public string ClusterIP { get; init; } = "";
    public string ExternalName { get; init; } = "";
    public bool PublishNotReadyAddresses { get; init; }
    public string SessionAffinity { get; init; } = "None";
    public string ExternalTrafficPolicy { get; init; } = "Cluster";
    public Dictionary<string, string>? Selector { get; init; }
    public List<ServicePort> Ports { get; init; } = [];

    public bool IsHeadless => ClusterIP == "None";
}

public sealed record ServicePort
{
    public string Name { get; init; } = "";
    public string Protocol { get; init; } = "TCP";
    public int Port { get; init; }
    public IntOrString? TargetPort { get; init; }
    public int NodePort { get; init; }
}

public sealed record EndpointSlice
{
    public ObjectMeta Metadata { get; init; } = new();
    public List<Endpoint> Endpoints { get; init; } = [];
    public List<EndpointPort> Ports { get; init; } = [];

    public string Service => Metadata.Labels.GetValueOrDefault("kubernetes.io/service-name", "");
}

public sealed record Endpoint
{
    public List<string> Addresses { get; init; } = [];
    public EndpointConditions Conditions { get; init; } = new();
    public string Hostname { get; init; } = "";
    public string NodeName { get; init; } = "";
}

public sealed record EndpointConditions
{
    public bool? Ready { get; init; }
}

public sealed record EndpointPort
{
    public string Name { get; init; } = "";
    public string Protocol { get; init; } = "TCP";
    public int? Port { get; init; }
}
