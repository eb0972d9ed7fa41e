namespace Troupe.DevCluster.Nodes.Model;

public sealed record Service
{
    public ObjectMeta Metadata { get; set; } = new();
    public ServiceSpec Spec { get; set; } = new();
}

public sealed record ServiceSpec
{
    public string Type { get; set; } = "ClusterIP";
    public string ClusterIP { get; set; } = "";
    public string ExternalName { get; set; } = "";
    public bool PublishNotReadyAddresses { get; set; }
    public string SessionAffinity { get; set; } = "None";
    public string ExternalTrafficPolicy { get; set; } = "Cluster";
    public string InternalTrafficPolicy { get; set; } = "Cluster";
    public Dictionary<string, string>? Selector { get; set; }
    public List<ServicePort> Ports { get; set; } = [];

    public bool IsHeadless => ClusterIP == "None";
}

public sealed record ServicePort
{
    public string Name { get; set; } = "";
    public string Protocol { get; set; } = "TCP";
    public int Port { get; set; }
    public IntOrString? TargetPort { get; set; }
    public int NodePort { get; set; }
}

public sealed record EndpointSlice
{
    public ObjectMeta Metadata { get; set; } = new();
    public List<Endpoint> Endpoints { get; set; } = [];
    public List<EndpointPort> Ports { get; set; } = [];

    public string Service => Metadata.Labels.GetValueOrDefault("kubernetes.io/service-name", "");
}

public sealed record Endpoint
{
    public List<string> Addresses { get; set; } = [];
    public EndpointConditions Conditions { get; set; } = new();
    public string Hostname { get; set; } = "";
    public string NodeName { get; set; } = "";
}

public sealed record EndpointConditions
{
    public bool? Ready { get; set; }
}

public sealed record EndpointPort
{
    public string Name { get; set; } = "";
    public string Protocol { get; set; } = "TCP";
    public int? Port { get; set; }
}
